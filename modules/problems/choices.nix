# What is wrong with the choices: the user's, also for what nobody needs, and the platform's where they are used.
{
  lib,
  words,
  near,
}:
graph:
let
  inherit (builtins)
    attrNames
    concatMap
    filter
    map
    ;
  inherit (words) at tick ticks;
  inherit (graph)
    bindings
    chosen
    interfaces
    place
    platform
    provides
    rooms
    ;
  inherit (platform.platform) defaults;

  shownChoice = interface: "`choose.${interface}`${place "choose.${interface}"}";

  wrongProvider =
    interface: provider:
    let
      providers = filter (provides interface) (attrNames rooms);
      line = what: mend: [ "${shownChoice interface} is ${tick provider}, ${what}: ${mend}" ];
    in
    if !(rooms ? ${provider}) then
      line "which is not a room" (near.meantOr provider providers "it can be ${ticks providers}")
    else if !(provides interface provider) then
      line "which does not provide it" "it can be ${ticks providers}"
    else if graph.forbidden provider then
      line "which `libs.${provider}.enable = false`${place "libs.${provider}.enable"} keeps out" "drop one of the two"
    else
      [ ];

  wrongChoice =
    interface:
    if interfaces ? ${interface} then
      concatMap (wrongProvider interface) chosen.${interface}
    else
      [
        (
          "${shownChoice interface} is not an interface: "
          + near.meantOr interface (attrNames interfaces) "there are ${ticks (attrNames interfaces)}"
        )
      ];

  isNeeded = interface: lib.any (name: bindings.${name} ? ${interface}) graph.names;
  isUsed = interface: isNeeded interface && !(chosen ? ${interface});

  wrongDefault =
    interface:
    map (
      name:
      "platform ${tick platform.name} has ${tick name} as its default for ${tick interface}${
        at [ (platform.where "platform") ]
      }, which is not a room that provides it: set `choose.${interface}`, or mend `platform.defaults`"
    ) (filter (name: !(provides interface name)) (lib.toList defaults.${interface}));
in
concatMap wrongChoice (attrNames chosen)
++ concatMap wrongDefault (filter isUsed (attrNames defaults))
