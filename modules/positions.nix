# Where the user's modules define something, to the line.
#
# The module system knows the file of a definition alone. So the modules are read once more, as plain values, and the
# path of the option is followed through each.
{ lib, words }:
let
  inherit (builtins)
    concatMap
    functionArgs
    intersectAttrs
    isAttrs
    isFunction
    unsafeGetAttrPos
    ;

  isFile = module: builtins.isPath module || builtins.isString module;

  applied = args: module: if isFunction module then module (argumentsFor args module) else module;

  # A function that names none of its arguments takes what there is.
  argumentsFor =
    args: module:
    if functionArgs module == { } then args else intersectAttrs (functionArgs module) args;

  # { file; value; } of a module and of all that it imports.
  loaded =
    args: file: module:
    if isFile module then
      loaded args (toString module) (import module)
    else
      let
        value = applied args module;
      in
      [
        {
          file = value._file or file;
          value = value.config or value;
        }
      ]
      ++ concatMap (loaded args file) (value.imports or [ ]);

  # mkIf, mkMerge and mkOverride stand between an option and its definition.
  unwrapped =
    value:
    if !(isAttrs value) then
      [ ]
    else if value._type or null == "merge" then
      concatMap unwrapped value.contents
    else if value._type or null == "if" then
      lib.optionals value.condition (unwrapped value.content)
    else if value._type or null == "override" || value._type or null == "order" then
      unwrapped value.content
    else
      [ value ];

  found =
    path: value:
    let
      name = lib.head path;
      rest = lib.tail path;
      below =
        attrs:
        if !(attrs ? ${name}) then
          [ ]
        else if rest == [ ] then
          [ (unsafeGetAttrPos name attrs) ]
        else
          found rest attrs.${name};
    in
    concatMap below (unwrapped value);
in
# `modules` as given to evalModules and the arguments they get; the result maps an option's path to `file:line` strings.
# `files` are those whose definitions count (others were overridden), null for all.
modules: args:
let
  sources = concatMap (loaded args "<unknown-file>") modules;
in
files: path:
let
  counted = lib.filter (source: files == null || lib.elem source.file files) sources;
  positions = concatMap (source: found path source.value) counted;
in
lib.unique (map words.shownPosition (lib.filter (position: position != null) positions))
