# How problems are worded: names in back quotes, lists with commas, files as the reader of the project knows them.
{ lib, root }:
let
  inherit (builtins)
    elemAt
    match
    stringLength
    substring
    unsafeDiscardStringContext
    ;

  rootPrefix = toString root + "/";

  withoutRoot =
    path:
    if lib.hasPrefix rootPrefix path then
      substring (stringLength rootPrefix) (stringLength path) path
    else
      null;

  # The hash of a flake's source says nothing to a reader, and would make each composition depend on every file of it.
  withoutStore =
    path:
    let
      parts = match "/nix/store/[^/]+/(.+)" path;
    in
    if parts == null then null else elemAt parts 0;
in
rec {
  tick = name: "`${name}`";
  ticks = names: lib.concatMapStringsSep ", " tick names;

  # Mends are alternatives: "do this, or do that".
  mends = lib.concatStringsSep ", or ";

  # A file relative to the pool or to the source that holds it.
  shownFile =
    file:
    let
      path = unsafeDiscardStringContext (toString file);
      relative = withoutRoot path;
      inStore = withoutStore path;
    in
    if relative != null then
      relative
    else if inStore != null then
      inStore
    else
      path;

  # What builtins.unsafeGetAttrPos gives, as file:line.
  shownPosition = position: "${shownFile position.file}:${toString position.line}";

  # ` (a, b)` for the places known, nothing for none.
  at = places: lib.optionalString (places != [ ]) " (${lib.concatStringsSep ", " places})";

  # A value in a problem: short, and never built or copied to be shown.
  shownValue =
    value:
    if builtins.isString value then
      "\"${unsafeDiscardStringContext value}\""
    else if
      builtins.isInt value || builtins.isFloat value || builtins.isBool value || value == null
    then
      builtins.toJSON value
    else if value == { } then
      "{ }"
    else if builtins.isPath value then
      shownFile value
    else if builtins.isList value then
      "[ ${lib.concatMapStrings (item: "${shownValue item} ") value}]"
    else if lib.isDerivation value then
      "package ${value.name or "without a name"}"
    else if builtins.isAttrs value then
      "an attribute set"
    else
      "a function";
}
