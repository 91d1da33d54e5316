# What is wrong with the definitions of an option, one line each.
{
  lib,
  words,
  settings,
}:
let
  inherit (builtins)
    attrNames
    concatMap
    filter
    intersectAttrs
    isAttrs
    length
    ;
  inherit (words) at shownValue tick;

  # A value behind mkForce and the like.
  bare =
    value: if isAttrs value && value ? _type && value ? content then bare value.content else value;

  # `path` is the option's; `definitions` are { file, value }; `where` gives the places that define a path.
  problems =
    where: path: declaration: definitions:
    let
      inherit (declaration) type;
      wrong = filter (definition: !(type.check definition.value)) definitions;
    in
    if wrong != [ ] then
      map (wrongValue where path declaration) wrong
    else if settings.evaluates (type.merge path definitions) then
      [ ]
    else if type.name == "attrsOf" then
      concatMap (attributeProblems where path type definitions) (
        lib.unique (concatMap (definition: attrNames definition.value) definitions)
      )
    else
      unmerged where path declaration definitions;

  wrongValue =
    where: path: declaration: definition:
    let
      default = lib.optionalString (
        declaration ? default
      ) ", or leave it out for the default ${shownValue declaration.default}";
    in
    "${shownPath path} is ${shownValue (bare definition.value)}${at (where path)}, but its type is ${declaration.type.description}: set it to such a value${default}";

  # Each definition may be, but what they make together may not.
  unmerged =
    where: path: declaration: definitions:
    if length definitions > 1 then
      [
        "${shownPath path} is defined more than once${at (where path)}, and the definitions do not go together: keep one, or raise one with lib.mkForce"
      ]
    else
      map (wrongValue where path declaration) definitions;

  # In a set of values the one that is wrong is named.
  attributeProblems =
    where: path: type: definitions: name:
    let
      having = filter (definition: definition.value ? ${name}) definitions;
      alone = map (
        definition: definition // { value = intersectAttrs { ${name} = null; } definition.value; }
      ) having;
      values = map (definition: definition // { value = definition.value.${name}; }) having;
    in
    lib.optionals (!(settings.evaluates (type.merge path alone))) (
      unmerged where (path ++ [ name ]) { type = type.nestedTypes.elemType; } values
    );

  shownPath = path: tick (lib.concatStringsSep "." path);
in
problems
