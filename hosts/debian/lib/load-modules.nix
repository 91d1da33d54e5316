# Reading of modules: from a path, a function or an attribute set to plain data, with all that it imports.
{ lib }:
let
  inherit (builtins)
    addErrorContext
    attrNames
    concatLists
    filter
    foldl'
    functionArgs
    isAttrs
    isFunction
    isPath
    isString
    mapAttrs
    ;

  # Attributes of a module that are about it, not definitions.
  aboutModule = [
    "_class"
    "_file"
    "freeformType"
    "imports"
    "key"
  ];
  structured = aboutModule ++ [
    "config"
    "options"
  ];

  # A module function's arguments: the special ones, and by name those of `_module.args`.
  argumentsFor =
    args: file: function:
    let
      named = mapAttrs (
        name: _:
        addErrorContext "while looking for the module argument `${name}' of `${file}':" (
          args.special.${name} or args.config._module.args.${name}
        )
      ) (functionArgs function);
    in
    args.special // named;

  # One module and its imports, the module itself first. `key` is what it is known by: a file's path, and for what has
  # none the place where it is imported.
  load =
    args: file: key: module:
    if isPath module || isString module then
      load args (toString module) (toString module) (import module)
    else if isFunction module then
      load args file key (module (argumentsFor args file module))
    else if isAttrs module then
      loadAttrs args file key module
    else
      throw "Module `${file}' is a ${builtins.typeOf module}, and must be a path, a function or an attribute set.";

  loadAttrs =
    args: file: key: module:
    let
      own = module._file or file;
      isStructured = module ? config || module ? options;
      unknown = filter (name: !(lib.elem name structured)) (attrNames module);
      # The whole of a module may be a property.
      bare = if module ? _type then module else removeAttrs module aboutModule;
      freeform = lib.optionalAttrs (module ? freeformType) {
        _module.freeformType = module.freeformType;
      };
    in
    if isStructured && unknown != [ ] then
      throw "Module `${own}' has `config' or `options' at its top, and beside them: ${toString unknown}. Put these under `config'."
    else
      [
        {
          file = own;
          # A name of an attribute below, which may not refer to the store.
          key = builtins.unsafeDiscardStringContext (toString (module.key or key));
          options = module.options or { };
          configs = [
            (if isStructured then module.config or { } else bare)
            freeform
          ];
        }
      ]
      ++ loadAll args own key (module.imports or [ ]);

  loadAll =
    args: file: key: modules:
    concatLists (lib.imap1 (index: load args file "${key}:${toString index}") modules);

  # What is imported twice counts once.
  once =
    loaded:
    (foldl'
      (
        state: module:
        if state.seen ? ${module.key} then
          state
        else
          {
            seen = state.seen // {
              ${module.key} = true;
            };
            kept = state.kept ++ [ module ];
          }
      )
      {
        seen = { };
        kept = [ ];
      }
      loaded
    ).kept;
in
# `args.special` goes to every module function, `args.config` has `_module.args`. The result is a list of
# { file, key, options, configs }.
args: modules: once (loadAll args "<unknown-file>" "" modules)
