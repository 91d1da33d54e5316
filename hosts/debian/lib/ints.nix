# Integers of a range.
{ lib }:
let
  inherit (lib.types) addCheck int;

  inclusive = lowest: highest: "${toString lowest} and ${toString highest} (both inclusive)";

  between =
    lowest: highest:
    if lowest > highest then
      throw "ints.between: ${toString lowest} is more than ${toString highest}"
    else
      addCheck int (value: lowest <= value && value <= highest)
      // {
        name = "intBetween";
        description = "integer between ${inclusive lowest highest}";
      };

  ofBits =
    kind: word: bits: lowest: highest:
    between lowest highest
    // {
      name = "${kind}${toString bits}";
      description = "${toString bits} bit ${word}; between ${inclusive lowest highest}";
    };

  unsigned = bits: highest: ofBits "unsignedInt" "unsigned integer" bits 0 highest;
  signed = bits: highest: ofBits "signedInt" "signed integer" bits (0 - highest - 1) highest;

  meaning =
    name: description: check:
    addCheck int check
    // {
      inherit name description;
      descriptionClass = "nonRestrictiveClause";
    };
in
{
  inherit between;
  unsigned = meaning "unsignedInt" "unsigned integer, meaning >=0" (value: value >= 0);
  positive = meaning "positiveInt" "positive integer, meaning >0" (value: value > 0);
  u8 = unsigned 8 255;
  u16 = unsigned 16 65535;
  u32 = unsigned 32 4294967295;
  s8 = signed 8 127;
  s16 = signed 16 32767;
  s32 = signed 32 2147483647;
}
