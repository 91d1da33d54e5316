# Evaluation of modules: declarations of options and definitions of their values, merged.
{ lib }:
let
  inherit (builtins)
    addErrorContext
    attrNames
    concatMap
    filter
    functionArgs
    head
    intersectAttrs
    isAttrs
    isFunction
    isPath
    isString
    length
    mapAttrs
    ;
  inherit (lib) isOption showOption;

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
        addErrorContext "while evaluating the module argument `${name}' in \"${file}\":" (
          args.special.${name} or args.config._module.args.${name}
        )
      ) (functionArgs function);
    in
    args.special // named;

  # A module of any form as [ { file, key, options, config } ], with all that it imports.
  load =
    args: file: module:
    if isPath module || isString module then
      loadFile args (toString module) (import module)
    else if isFunction module then
      load args file (module (argumentsFor args file module))
    else if !(isAttrs module) then
      throw "Module `${file}' is a ${builtins.typeOf module}, and must be a path, a function or an attribute set."
    else
      loadAttrs args file module;

  loadFile =
    args: file: module:
    map (loaded: { key = file; } // loaded) (load args file module);

  loadAttrs =
    args: file: module:
    let
      own = module._file or file;
      unknown = filter (name: !(lib.elem name structured)) (attrNames module);
      isStructured = module ? config || module ? options;
      freeform = lib.optionalAttrs (module ? freeformType) {
        _module.freeformType = module.freeformType;
      };
      config = if isStructured then module.config or { } else withoutAbout module;
      loaded = {
        file = own;
        options = module.options or { };
        configs = [
          config
          freeform
        ];
      }
      // lib.optionalAttrs (module ? key) { key = toString module.key; };
    in
    if isStructured && unknown != [ ] then
      throw "Module `${own}' has `config' or `options' at its top, and beside them: ${toString unknown}. Put these under `config'."
    else
      [ loaded ] ++ concatMap (load args own) (module.imports or [ ]);

  # The whole of such a module may be a property.
  withoutAbout = module: if module ? _type then module else removeAttrs module aboutModule;

  # A file that is imported twice counts once.
  once =
    loaded:
    let
      add =
        { seen, kept }:
        module:
        let
          key = module.key or null;
        in
        if key != null && seen ? ${key} then
          { inherit seen kept; }
        else
          {
            seen = if key == null then seen else seen // { ${key} = true; };
            kept = kept ++ [ module ];
          };
    in
    (builtins.foldl' add {
      seen = { };
      kept = [ ];
    } loaded).kept;

  # What every evaluation declares.
  internal = {
    file = "lib/modules.nix";
    configs = [ ];
    options._module = {
      args = lib.mkOption {
        type = lib.types.lazyAttrsOf lib.types.raw;
        default = { };
        internal = true;
        description = "Additional arguments of the modules.";
      };
      check = lib.mkOption {
        type = lib.types.bool;
        default = true;
        internal = true;
        description = "Whether a definition without an option is an error.";
      };
      freeformType = lib.mkOption {
        type = lib.types.nullOr lib.types.optionType;
        default = null;
        internal = true;
        description = "The type of definitions without an option.";
      };
    };
  };

  # An option with its value, from its declaration and the definitions [ { file, value } ].
  evalOption =
    path: declarations: defs:
    let
      declaration = head declarations;
      option = {
        type = lib.types.raw;
      }
      // declaration.option;
      default = lib.optional (option ? default) {
        inherit (declaration) file;
        value = lib.mkOptionDefault option.default;
      };
      merged = mergeDefinitions path option.type (default ++ defs);
      value = (option.apply or (value: value)) merged.mergedValue;
    in
    if length declarations > 1 then
      throw "Option `${showOption path}' is declared more than once, in ${
        lib.showFiles (map (d: d.file) declarations)
      }."
    else if (option.readOnly or false) && length (default ++ defs) > 1 then
      throw "Option `${showOption path}' may be set once, and is set here:${lib.showDefs (default ++ defs)}"
    else
      option
      // {
        loc = path;
        declarations = map (d: d.file) declarations;
        value = addErrorContext "while evaluating the option `${showOption path}':" value;
        inherit (merged) isDefined highestPrio;
        definitionsWithLocations = merged.values;
        definitions = map (def: def.value) merged.values;
        files = map (def: def.file) merged.values;
      };

  mergeDefinitions =
    path: type: defs:
    let
      discharged = concatMap (
        def: map (value: def // { inherit value; }) (lib.dischargeProperties def.value)
      ) defs;
      inherit (lib.filterOverrides' discharged) values highestPrio;
      wrong = filter (def: !(type.check def.value)) values;
    in
    {
      inherit values highestPrio;
      isDefined = values != [ ];
      mergedValue =
        if values == [ ] then
          type.emptyValue.value
            or (throw "Option `${showOption path}' is used, and has neither a definition nor a default.")
        else if wrong != [ ] then
          throw "Option `${showOption path}' is of type `${type.description}', which these definitions are not:${lib.showDefs wrong}"
        else
          type.merge path values;
    };

  # `declared` is [ { file, options } ] and `defined` [ { file, value } ] at `path`; the result has the tree of options,
  # and in `unmatched` the definitions [ { file, path, value } ] that have none.
  mergeTree =
    path: declared: defined:
    let
      declaredByName = byName (d: d.options) (file: option: { inherit file option; }) declared;
      definedByName = byName (d: d.value) (file: value: { inherit file value; }) (
        concatMap (plain path) defined
      );
      definitionsOf = name: definedByName.${name} or [ ];
      matched = mapAttrs (
        name: declarations: mergeName (path ++ [ name ]) declarations (definitionsOf name)
      ) declaredByName;
      unmatchedHere = concatMap (
        name: map (def: def // { path = path ++ [ name ]; }) definedByName.${name}
      ) (filter (name: !(declaredByName ? ${name})) (attrNames definedByName));
    in
    {
      options = mapAttrs (_: result: result.options) matched;
      unmatched = unmatchedHere ++ concatMap (result: result.unmatched) (lib.attrValues matched);
    };

  byName =
    attrsOf: entry: list:
    lib.zipAttrs (map (item: mapAttrs (_: entry item.file) (attrsOf item)) list);

  # A definition of a set of options as plain sets.
  plain =
    path: def:
    map (
      value:
      if isAttrs value then
        def // { inherit value; }
      else
        throw "`${showOption path}' is a set of options, but is defined as a ${builtins.typeOf value} in `${def.file}'."
    ) (lib.pushDownProperties def.value);

  mergeName =
    path: declarations: defs:
    if lib.all (d: isOption d.option) declarations then
      {
        options = evalOption path declarations defs;
        unmatched = [ ];
      }
    else if lib.any (d: isOption d.option) declarations then
      throw "`${showOption path}' is declared as an option and as a set of options, in ${
        lib.showFiles (map (d: d.file) declarations)
      }."
    else
      mergeTree path (map (d: {
        inherit (d) file;
        options = d.option;
      }) declarations) defs;

  valuesOf = mapAttrs (_: option: if isOption option then option.value else valuesOf option);

  unmatchedError =
    def:
    throw "There is no option `${showOption def.path}', which is defined here:${lib.showDefs [ def ]}";
in
{
  inherit mergeDefinitions;
  mkOptionType = lib.types.mkOptionType;

  evalModules =
    {
      modules,
      specialArgs ? { },
      prefix ? [ ],
    }:
    let
      args = {
        inherit config;
        special = {
          inherit lib config;
          inherit (merged) options;
        }
        // specialArgs;
      };

      loaded = [ internal ] ++ once (concatMap (load args "<unknown-file>") modules);

      merged = mergeTree prefix (map (module: { inherit (module) file options; }) loaded) (
        concatMap (
          module:
          map (value: {
            inherit (module) file;
            inherit value;
          }) module.configs
        ) loaded
      );

      declaredConfig = valuesOf merged.options;
      inherit (declaredConfig._module) freeformType check;

      freeformDefs = map (def: {
        inherit (def) file;
        value = lib.setAttrByPath (lib.drop (length prefix) def.path) def.value;
      }) merged.unmatched;

      config =
        if freeformType == null || merged.unmatched == [ ] then
          declaredConfig
        else
          lib.recursiveUpdate (freeformType.merge prefix freeformDefs) declaredConfig;

      checked =
        if freeformType == null && check && merged.unmatched != [ ] then
          unmatchedError (head merged.unmatched)
        else
          removeAttrs config [ "_module" ];
    in
    {
      inherit (merged) options;
      config = checked;
    };
}
