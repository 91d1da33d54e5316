# Reading of modules: from a path, a function or an attribute set to plain data, with all that it imports.
{ lib }:
let
  inherit (builtins)
    addErrorContext
    attrNames
    elem
    filter
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

  # `key` is what a module is known by: a file's path, and for what has none the place where it is imported.
  load =
    args: file: key: module:
    if isPath module || isString module then
      load args (toString module) (toString module) (import module)
    else if isFunction module then
      load args file key (module (argumentsFor args file module))
    else if isAttrs module then
      loadAttrs file key module
    else
      throw "Module `${file}' is a ${builtins.typeOf module}, and must be a path, a function or an attribute set.";

  loadAttrs =
    file: key: module:
    let
      own = module._file or file;
      isStructured = module ? config || module ? options;
      unknown = filter (name: !(elem name structured)) (attrNames module);
      freeform = lib.optionalAttrs (module ? freeformType) {
        _module.freeformType = module.freeformType;
      };
    in
    if isStructured && unknown != [ ] then
      throw "Module `${own}' has `config' or `options' at its top, and beside them: ${toString unknown}. Put these under `config'."
    else
      {
        file = own;
        # A name of an attribute in the closure below, which may not refer to the store.
        key = builtins.unsafeDiscardStringContext (toString (module.key or key));
        imports = module.imports or [ ];
        options = module.options or { };
        configs = [
          (if isStructured then module.config or { } else withoutAbout own module)
          freeform
        ];
      };

  # The whole of a module may be conditional.
  withoutAbout =
    file: module:
    if !(module ? _type) then
      removeAttrs module aboutModule
    else if elem module._type conditions then
      module
    else
      throw "Module `${file}' is of type `${module._type}'; put it under `config'.";

  conditions = [
    "if"
    "override"
  ];

  importsOf =
    args: module:
    lib.imap0 (index: load args module.file "${module.key}:${toString index}") module.imports;
in
# `args.special` goes to every module function, `args.config` has `_module.args`. The result is a list of
# { file, options, configs }: what is imported stands before what imports it, and what is imported twice counts once.
args: modules:
lib.reverseList (
  builtins.genericClosure {
    startSet = importsOf args {
      file = "<unknown-file>";
      key = "";
      imports = modules;
    };
    operator = importsOf args;
  }
)
