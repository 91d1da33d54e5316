# What stands between an option and its definition: conditions, unions, priorities.
{ lib }:
let
  inherit (builtins) foldl' isAttrs mapAttrs;

  kind = value: if isAttrs value then value._type or null else null;
  priorityOf = def: if kind def.value == "override" then def.value.priority else defaultPriority;

  defaultPriority = 100;
in
rec {
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };

  mkMerge = contents: {
    _type = "merge";
    inherit contents;
  };

  # The definitions of the lowest number count, the others are dropped.
  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };

  mkOptionDefault = mkOverride 1500;
  mkDefault = mkOverride 1000;
  mkForce = mkOverride 50;

  # Properties of a whole attribute set made those of each of its attributes: a list of plain sets.
  pushDownProperties =
    value:
    if kind value == "merge" then
      lib.concatMap pushDownProperties value.contents
    else if kind value == "if" then
      map (mapAttrs (_: mkIf value.condition)) (pushDownProperties value.content)
    else if kind value == "override" then
      map (mapAttrs (_: mkOverride value.priority)) (pushDownProperties value.content)
    else
      [ value ];

  # The values that hold, without conditions and unions; priorities stay.
  dischargeProperties =
    value:
    if kind value == "merge" then
      lib.concatMap dischargeProperties value.contents
    else if kind value == "if" then
      if builtins.isBool value.condition then
        lib.optionals value.condition (dischargeProperties value.content)
      else
        throw "`mkIf' is called with a condition that is not a boolean"
    else
      [ value ];

  # Of definitions ({ file, value }) those of the strongest priority, bare, and that priority's number.
  filterOverrides' =
    defs:
    let
      highestPrio = foldl' (lowest: def: lib.min lowest (priorityOf def)) 9999 defs;
      bare = def: if kind def.value == "override" then def // { value = def.value.content; } else def;
    in
    {
      inherit highestPrio;
      values = map bare (lib.filter (def: priorityOf def == highestPrio) defs);
    };
}
