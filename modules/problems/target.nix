# What is wrong with the platform and the architecture asked for.
{
  lib,
  words,
  near,
}:
{
  rooms,
  # Names.
  platform,
  arch,
  # Option path to where it is defined.
  where,
}:
let
  inherit (builtins) attrNames elem filter;
  inherit (words) at tick ticks;

  namesOf = kind: filter (name: rooms.${name}.kind == kind) (attrNames rooms);

  unknown =
    word: kind: option: name:
    lib.optional (!(elem name (namesOf kind))) (
      "${word} ${tick name}${at (where [ option ])} is not in the pool: "
      + near.meantOr name (namesOf kind) "there are ${ticks (namesOf kind)}"
    );

  unknowns =
    unknown "platform" "platform" "platforms" platform ++ unknown "architecture" "arch" "arches" arch;

  room = rooms.${platform};
  inherit (room.platform) linkerScripts;

  takeOut = "take ${tick arch} out of `arches`, or take ${tick platform} out of `platforms`";

  unsupported = "platform ${tick platform} does not support architecture ${tick arch}${at (where [ "arches" ])}, only ${ticks room.arches}${at [ (room.where "arches") ]}: ${takeOut}";

  noLinkerScript = "platform ${tick platform} has no linker script for ${tick arch}${at [ (room.where "platform") ]}: add `platform.linkerScripts.${arch}`, or take ${tick arch} out of its `arches`";
in
if unknowns != [ ] then
  unknowns
else if room.arches != null && !(elem arch room.arches) then
  [ unsupported ]
else
  lib.optional (linkerScripts != { } && !(linkerScripts ? ${arch})) noLinkerScript
