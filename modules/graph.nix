# The graph of an image: which rooms are in it and why, who provides what to whom, in what order they start, and what
# does not fit.
{
  lib,
  words,
  near,
}:
{
  # Rooms by name; interfaces by their name in `needs`.
  rooms,
  interfaces,
  # The image's own rooms and its application; the application has the form of a room.
  platform,
  arch,
  application,
  # `choose` with each value a list.
  chosen,
  # `libs.<room>.enable` of the rooms that have it.
  enable,
  # A room's name to its needs.
  needsOf,
  # Option path to where it is defined.
  where,
}:
let
  inherit (builtins)
    attrNames
    concatMap
    elem
    filter
    length
    map
    ;
  inherit (words) at tick;

  # Where a path of the configuration, written with dots, is defined.
  place = path: at (where (lib.splitString "." path));

  target = "${platform.name}-${arch.name}";

  admits = allowed: name: allowed == null || elem name allowed;
  fitsPlatform = room: admits room.platforms platform.name;
  fitsArch = room: admits room.arches arch.name;
  fits = room: fitsPlatform room && fitsArch room;

  enabled = filter (name: enable.${name} == true) (attrNames enable);
  forbidden = name: enable.${name} or null == false;

  choice = import ./choose.nix { inherit lib words; } {
    inherit
      rooms
      platform
      arch
      interfaces
      chosen
      forbidden
      place
      ;
    enabled = filter (name: fits rooms.${name}) enabled;
    candidates = filter (name: fits rooms.${name} && !forbidden name) (attrNames rooms);
  };
  inherit (choice) decide provides;

  roomNamed = name: if name == application.name then application else rooms.${name};

  knownNeeds = name: filter (interface: interfaces ? ${interface}) (needsOf name);
  arityOf = interface: interfaces.${interface}.interface.arity;

  # Members: what the roots ask for, and what that asks for, until nothing is open.

  asMember = why: name: {
    key = name;
    inherit why;
  };

  roots = [
    (asMember "the application" application.name)
    (asMember "the platform of the image" platform.name)
    (asMember "the architecture of the image" arch.name)
  ]
  ++ map (
    name: asMember "enabled by `libs.${name}.enable`${place "libs.${name}.enable"}" name
  ) enabled;

  # A need of `one` with several providers is a problem, told below; it brings none of them in.
  brought =
    member: interface:
    let
      decision = decide member.key interface;
      undecided = arityOf interface == "one" && length decision.providers > 1;
      existing = filter (provides interface) decision.providers;
    in
    lib.optionals (!undecided) (map (asMember "${decision.why}, which ${member.key} needs") existing);

  members = builtins.genericClosure {
    startSet = roots;
    operator = member: concatMap (brought member) (knownNeeds member.key);
  };
  names = map (member: member.key) members;
  memberNamed = name: lib.findFirst (member: member.key == name) null members;

  # Bindings: for each need the rooms that serve it.

  providersFor =
    asker: interface:
    let
      decided = filter (provides interface) (decide asker interface).providers;
      present = filter (name: name != asker && provides interface name) names;
      arity = arityOf interface;
    in
    if chosen ? ${interface} || arity == "one" then
      decided
    else if arity == "optional" && decided != [ ] then
      decided
    else
      present;

  bindings = lib.genAttrs names (
    asker: lib.genAttrs (knownNeeds asker) (interface: providersFor asker interface)
  );

  # `after` names rooms, or interfaces for whoever provides them.
  earlierOf =
    name:
    concatMap (
      earlier: filter (member: member != name && (member == earlier || provides earlier member)) names
    ) (roomNamed name).after;

  startedBefore =
    name:
    let
      providers = concatMap (interface: bindings.${name}.${interface}) (knownNeeds name);
    in
    lib.unique (filter (provider: elem provider names) providers ++ earlierOf name);

  # The application comes last: whatever else is in the image is up by then.
  sorted = import ./order.nix { inherit lib; } startedBefore (
    [
      arch.name
      platform.name
    ]
    ++ enabled
    ++ [ application.name ]
  );

  # What the problems are found from and told with.
  graph = {
    inherit
      rooms
      interfaces
      platform
      arch
      application
      target
      chosen
      enable
      needsOf
      names
      bindings
      fits
      fitsPlatform
      fitsArch
      forbidden
      place
      roomNamed
      ;
    inherit (choice) decide provides;
    inherit (sorted) cycles;

    who = name: if name == application.name then "application ${tick name}" else "room ${tick name}";
    whyOf = name: (memberNamed name).why;
    needsAt = name: at [ ((roomNamed name).where "needs") ];
  };
in
{
  inherit bindings;

  # [ { key, why } ] in the order of start.
  nodes = map memberNamed sorted.order;

  problems =
    import ./problems/choices.nix { inherit lib words near; } graph
    ++ import ./problems/needs.nix { inherit lib words near; } graph
    ++ import ./problems/misfits.nix { inherit lib words; } graph;
}
