# Merging of what modules declare and define.
{ lib }:
let
  inherit (builtins)
    addErrorContext
    attrNames
    concatMap
    filter
    head
    isAttrs
    length
    mapAttrs
    ;
  inherit (lib) isOption showOption;

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
in
{
  inherit mergeDefinitions mergeTree;
}
