# Attribute sets.
{ lib }:
let
  inherit (builtins)
    attrNames
    attrValues
    concatMap
    filter
    head
    isAttrs
    listToAttrs
    mapAttrs
    tail
    ;
in
rec {
  inherit (builtins)
    attrNames
    attrValues
    listToAttrs
    mapAttrs
    removeAttrs
    ;

  optionalAttrs = condition: attrs: if condition then attrs else { };

  nameValuePair = name: value: { inherit name value; };

  genAttrs = names: f: listToAttrs (map (name: nameValuePair name (f name)) names);

  filterAttrs =
    accepts: attrs: removeAttrs attrs (filter (name: !(accepts name attrs.${name})) (attrNames attrs));

  mapAttrsToList = f: attrs: map (name: f name attrs.${name}) (attrNames attrs);

  mapAttrs' = f: attrs: listToAttrs (mapAttrsToList f attrs);

  attrByPath =
    path: default: value:
    if path == [ ] then
      value
    else if isAttrs value && value ? ${head path} then
      attrByPath (tail path) default value.${head path}
    else
      default;

  setAttrByPath =
    path: value: if path == [ ] then value else { ${head path} = setAttrByPath (tail path) value; };

  # The right side wins, except where both are attribute sets.
  recursiveUpdate =
    left: right:
    left
    // mapAttrs (
      name: value:
      if left ? ${name} && isAttrs left.${name} && isAttrs value then
        recursiveUpdate left.${name} value
      else
        value
    ) right;

  # For each name the values it has in the sets that have it.
  zipAttrs =
    sets:
    genAttrs (lib.unique (concatMap attrNames sets)) (
      name: concatMap (set: lib.optional (set ? ${name}) set.${name}) sets
    );

  isDerivation = value: value.type or null == "derivation";
}
