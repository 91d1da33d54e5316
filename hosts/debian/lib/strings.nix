# Strings.
{ lib }:
let
  inherit (builtins)
    concatStringsSep
    isList
    isString
    replaceStrings
    stringLength
    substring
    ;
in
rec {
  inherit (builtins)
    concatStringsSep
    replaceStrings
    stringLength
    substring
    ;

  concatMapStringsSep =
    separator: f: list:
    concatStringsSep separator (map f list);

  concatMapStrings = concatMapStringsSep "";

  optionalString = condition: string: if condition then string else "";

  hasPrefix = prefix: string: substring 0 (stringLength prefix) string == prefix;

  hasSuffix =
    suffix: string:
    let
      start = stringLength string - stringLength suffix;
    in
    start >= 0 && substring start (stringLength suffix) string == suffix;

  removePrefix =
    prefix: string:
    if hasPrefix prefix string then
      substring (stringLength prefix) (stringLength string) string
    else
      string;

  removeSuffix =
    suffix: string:
    if hasSuffix suffix string then
      substring 0 (stringLength string - stringLength suffix) string
    else
      string;

  stringToCharacters = string: lib.genList (i: substring i 1 string) (stringLength string);

  splitString =
    separator: string:
    builtins.filter isString (builtins.split (escapeRegex separator) (builtins.toString string));

  escapeRegex =
    let
      special = stringToCharacters "\\[{()^$?*+|.";
    in
    replaceStrings special (map (character: "\\${character}") special);

  isStringLike =
    value:
    isString value
    || builtins.isPath value
    || (!(isList value) && value ? outPath)
    || (!(isList value) && value ? __toString);
}
