# Declarations of options, and how options and their definitions are shown.
{ lib }:
let
  inherit (builtins) isString match toJSON;

  # A name as it is written in an attribute path.
  showName = name: if match "[a-zA-Z_][a-zA-Z0-9_'-]*" name == null then toJSON name else name;
in
rec {
  # type, default, description, example, apply, readOnly, …
  mkOption = attrs: attrs // { _type = "option"; };

  mkEnableOption =
    what:
    mkOption {
      type = lib.types.bool;
      default = false;
      example = true;
      description = "Whether to enable ${what}.";
    };

  isOption = value: value._type or null == "option";

  showOption = path: lib.concatMapStringsSep "." showName path;

  showFiles = lib.concatMapStringsSep " and " (file: "`${toString file}'");

  # One line each: where it is, and what it says.
  showDefs = lib.concatMapStrings (def: "\n- In `${toString def.file}': ${showValue def.value}");

  showValue =
    value:
    if isString value || builtins.isInt value || builtins.isBool value || value == null then
      toJSON value
    else if builtins.isList value then
      "[ ${lib.concatMapStringsSep " " showValue value} ]"
    else if builtins.isPath value then
      toString value
    else
      "<${if lib.isDerivation value then "derivation" else builtins.typeOf value}>";

  # Merges for types.

  mergeOneOption =
    path: defs:
    if builtins.length defs == 1 then
      (builtins.head defs).value
    else
      throw "Option `${showOption path}' takes one definition, and has these:${showDefs defs}";

  mergeEqualOption =
    path: defs:
    let
      first = (builtins.head defs).value;
    in
    if defs == [ ] then
      throw "Option `${showOption path}' has no definition."
    else if lib.all (def: def.value == first) defs then
      first
    else
      throw "Option `${showOption path}' has definitions that differ:${showDefs defs}\nKeep one, or let one win by lib.mkForce or another give way by lib.mkDefault.";
}
