# Names in rooms that nobody has, and needs that nobody or more than one meets.
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
    elem
    filter
    length
    map
    ;
  inherit (words) at mends tick;
  inherit (graph)
    bindings
    decide
    enable
    forbidden
    interfaces
    needsAt
    place
    provides
    roomNamed
    rooms
    who
    ;

  roomNames = attrNames rooms;

  # Interfaces that a room names in its `needs` or `provides`.
  unknownInterfaces =
    verb: attribute: name: named:
    map (
      interface:
      "${who name} ${verb} interface ${tick interface}${
        at [ ((roomNamed name).where attribute) ]
      }, which no room declares: "
      +
        near.meantOr interface (attrNames interfaces)
          "add `crates/iface-${interface}`, or take it out of ${tick attribute}"
    ) (filter (interface: !(interfaces ? ${interface})) named);

  # Names in a room's `after` or `conflicts` that are not among the `known`.
  unknownNames =
    attribute: kind: known: name:
    let
      room = roomNamed name;
    in
    map (
      other:
      "${who name} has ${tick other} in ${tick attribute}${at [ (room.where attribute) ]}, which is not ${kind}: "
      + near.meantOr other known "add it to the pool, or take it out"
    ) (filter (other: !(elem other known)) room.${attribute});

  # What would let a room provide `interface`.
  elsewhere =
    name:
    let
      room = rooms.${name};
      places = if graph.fitsPlatform room then room.arches else room.platforms;
      provider = lib.optionalString (places != [ name ]) ", where ${tick name} provides it";
    in
    if forbidden name then
      "drop `libs.${name}.enable = false`${place "libs.${name}.enable"} for ${tick name}"
    else
      "build for ${lib.concatMapStringsSep " or " tick places}${provider}";

  missingProvider =
    asker: interface:
    let
      providers = filter (provides interface) roomNames;
      unavailable = filter (name: forbidden name || !(graph.fits rooms.${name})) providers;
    in
    "${who asker} needs interface ${tick interface}${needsAt asker}, and nothing provides it on ${graph.target}: "
    + mends (
      map elsewhere unavailable
      ++ [ "add a room that provides it" ]
      ++ lib.optional (enable ? ${asker}) "do without ${tick asker}"
    );

  severalProviders =
    asker: interface: providers:
    "${who asker} needs interface ${tick interface}${needsAt asker}, which takes one provider, and ${words.ticks providers} provide it: "
    + mends (map (name: "set `choose.${interface} = \"${name}\"`") providers);

  unmet =
    asker: interface:
    let
      providers = bindings.${asker}.${interface};
      inherit (interfaces.${interface}.interface) arity;
      # Where a decision names something else than a provider, ./choices.nix speaks.
      undecided = (decide asker interface).providers == [ ];
    in
    if arity == "one" && providers == [ ] then
      lib.optional undecided (missingProvider asker interface)
    else if arity != "many" && length providers > 1 then
      [ (severalProviders asker interface providers) ]
    else
      [ ];

  problemsOf =
    name:
    unknownInterfaces "needs" "needs" name (graph.needsOf name)
    ++ unknownInterfaces "provides" "provides" name (roomNamed name).provides
    ++ unknownNames "after" "a room or an interface" (roomNames ++ attrNames interfaces) name
    ++ unknownNames "conflicts" "a room" roomNames name
    ++ concatMap (unmet name) (attrNames bindings.${name});
in
concatMap problemsOf graph.names
