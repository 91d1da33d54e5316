# Rooms that cannot be together, or not in this image.
{ lib, words }:
graph:
let
  inherit (builtins)
    attrNames
    concatMap
    elem
    filter
    length
    map
    ;
  inherit (words)
    at
    mends
    tick
    ticks
    ;
  inherit (graph)
    arch
    bindings
    interfaces
    names
    needsAt
    place
    platform
    roomNamed
    who
    whyOf
    ;

  # A room that does not run on the image's platform or architecture.
  unfitting =
    name:
    let
      room = roomNamed name;
      misfit =
        kind: option: value: allowed:
        "${who name} does not run on ${kind} ${tick value}, only on ${ticks allowed}, and is in the image: ${whyOf name}; "
        + mends [
          "choose another room"
          "take ${tick value} out of ${tick option}${place option}"
        ];
    in
    lib.optional (!(graph.fitsPlatform room)) (
      misfit "platform" "platforms" platform.name room.platforms
    )
    ++ lib.optional (!(graph.fitsArch room)) (misfit "architecture" "arches" arch.name room.arches);

  conflicting =
    name:
    let
      room = roomNamed name;
    in
    map (
      other:
      "${who name} and ${who other} exclude each other${at [ (room.where "conflicts") ]}: "
      + "${tick name} is ${whyOf name}; ${tick other} is ${whyOf other}; do without one of them"
    ) (filter (other: elem other names) room.conflicts);

  usersOf =
    interface: provider: filter (name: elem provider (bindings.${name}.${interface} or [ ])) names;

  # An exclusive interface with several users, by each provider.
  shared =
    interface:
    let
      overused = filter (provider: length (usersOf interface provider) > 1) names;
      shownUser = user: "${tick user}${needsAt user}";
    in
    map (
      provider:
      "interface ${tick interface} of room ${tick provider} has one user, and "
      + lib.concatMapStringsSep ", " shownUser (usersOf interface provider)
      + " need it: keep one of them in the image"
    ) overused;

  exclusive = filter (interface: interfaces.${interface}.interface.exclusive) (attrNames interfaces);

  # From each room of a cycle to the next.
  step =
    from: to:
    let
      needed = filter (interface: elem to bindings.${from}.${interface}) (attrNames bindings.${from});
    in
    if needed == [ ] then
      "${tick from} starts after ${tick to}${at [ ((roomNamed from).where "after") ]}"
    else
      "${tick from} needs ${ticks needed} of ${tick to}${needsAt from}";

  cyclic =
    cycle:
    "dependency cycle: "
    + lib.concatStringsSep ", " (lib.zipListsWith step cycle (lib.tail cycle))
    + ": choose another provider for one of these, or take one out";
in
concatMap unfitting names
++ concatMap conflicting names
++ concatMap shared exclusive
++ map cyclic graph.cycles
