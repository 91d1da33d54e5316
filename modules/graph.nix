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
    head
    length
    map
    ;
  inherit (words) at mends tick ticks;

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
      where
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
  ++ map (name: asMember "enabled by `libs.${name}.enable`${at (where [ "libs" name "enable" ])}" name) enabled;

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

  startedBefore =
    name:
    let
      providers = concatMap (interface: bindings.${name}.${interface}) (knownNeeds name);
    in
    lib.unique (filter (earlier: elem earlier names) (providers ++ (roomNamed name).after));

  # The application comes last: whatever else is in the image is up by then.
  sorted = import ./order.nix { inherit lib; } startedBefore (
    [
      arch.name
      platform.name
    ]
    ++ enabled
    ++ [ application.name ]
  );

  # Problems, one function for each kind.

  who = name: if name == application.name then "application ${tick name}" else "room ${tick name}";
  needsAt = name: at [ ((roomNamed name).where "needs") ];

  meantOr =
    name: known: otherwise:
    let
      meant = near.nearest name known;
    in
    if meant == null then otherwise else "did you mean ${tick meant}?";

  unknownNeeds =
    name:
    map (
      interface:
      "${who name} needs interface ${tick interface}${needsAt name}, which no room declares: "
      + meantOr interface (attrNames interfaces) "add `crates/iface-${interface}`, or take it out of `needs`"
    ) (filter (interface: !(interfaces ? ${interface})) (needsOf name));

  unknownProvisions =
    name:
    let
      room = roomNamed name;
    in
    map (
      interface:
      "${who name} provides interface ${tick interface}${at [ (room.where "provides") ]}, which no room declares: "
      + meantOr interface (attrNames interfaces) "add `crates/iface-${interface}`, or take it out of `provides`"
    ) (filter (interface: !(interfaces ? ${interface})) room.provides);

  unknownNeighbours =
    attribute: name:
    let
      room = roomNamed name;
    in
    map (
      other:
      "${who name} has ${tick other} in ${tick attribute}${at [ (room.where attribute) ]}, which is not a room: "
      + meantOr other (attrNames rooms) "add the room, or take it out"
    ) (filter (other: !(rooms ? ${other})) room.${attribute});

  # Where else a room could be.
  elsewhere =
    name:
    let
      room = rooms.${name};
    in
    if forbidden name then
      "drop `libs.${name}.enable = false`${at (where [ "libs" name "enable" ])} for ${tick name}"
    else if !(fitsPlatform room) then
      "build for ${lib.concatMapStringsSep " or " tick room.platforms}, where ${tick name} provides it"
    else
      "build for ${lib.concatMapStringsSep " or " tick room.arches}, where ${tick name} provides it";

  missingProvider =
    asker: interface:
    let
      ruledOut = filter (name: name != asker && provides interface name) (attrNames rooms);
      others = filter (name: forbidden name || !(fits rooms.${name})) ruledOut;
    in
    "${who asker} needs interface ${tick interface}${needsAt asker}, and nothing provides it on ${target}: "
    + mends (
      map elsewhere others
      ++ [ "add a room that provides it" ]
      ++ lib.optional (asker != application.name && enable ? ${asker}) "do without ${tick asker}"
    );

  severalProviders =
    asker: interface: providers:
    "${who asker} needs interface ${tick interface}${needsAt asker}, which takes one provider, and ${ticks providers} provide it: "
    + mends (map (name: "set `choose.${interface} = \"${name}\"`") providers);

  unmet =
    asker: interface:
    let
      providers = bindings.${asker}.${interface};
      arity = arityOf interface;
      # Of a decision that names something else than a provider, the choice's own problem speaks.
      undecided = (decide asker interface).providers == [ ];
    in
    if arity == "one" && providers == [ ] then
      lib.optional undecided (missingProvider asker interface)
    else if arity != "many" && length providers > 1 then
      [ (severalProviders asker interface providers) ]
    else
      [ ];

  unfitting =
    member:
    let
      room = roomNamed member.key;
      misfit =
        kind: option: name: allowed:
        "${who member.key} does not run on ${kind} ${tick name}, only on ${ticks allowed}, and is in the image: ${member.why}; "
        + mends [
          "choose another room"
          "take ${tick name} out of ${tick option}${at (where [ option ])}"
        ];
    in
    lib.optional (!(fitsPlatform room)) (misfit "platform" "platforms" platform.name room.platforms)
    ++ lib.optional (!(fitsArch room)) (misfit "architecture" "arches" arch.name room.arches);

  conflicting =
    name:
    map (
      other:
      "${who name} and ${who other} exclude each other${at [ ((roomNamed name).where "conflicts") ]}: "
      + "${tick name} is ${whyOf name}; ${tick other} is ${whyOf other}; do without one of them"
    ) (filter (other: elem other names) (roomNamed name).conflicts);

  whyOf = name: (lib.findFirst (member: member.key == name) null members).why;

  usersOf =
    interface: provider:
    filter (name: elem provider (bindings.${name}.${interface} or [ ])) names;

  shared =
    interface:
    let
      providers = filter (name: length (usersOf interface name) > 1) names;
    in
    map (
      provider:
      "interface ${tick interface} of room ${tick provider} has one user, and "
      + lib.concatMapStringsSep ", " (user: "${tick user}${needsAt user}") (usersOf interface provider)
      + " need it: keep one of them in the image"
    ) providers;

  exclusive = filter (interface: interfaces.${interface}.interface.exclusive) (attrNames interfaces);

  cyclic =
    cycle:
    let
      step =
        from: to:
        let
          needed = filter (interface: elem to bindings.${from}.${interface}) (knownNeeds from);
        in
        if needed == [ ] then
          "${tick from} starts after ${tick to}${at [ ((roomNamed from).where "after") ]}"
        else
          "${tick from} needs ${ticks needed} of ${tick to}${needsAt from}";
    in
    "dependency cycle: "
    + lib.concatStringsSep ", " (lib.zipListsWith step cycle (lib.tail cycle))
    + ": choose another provider for one of these, or take one out";

  # The user's choices, also of what nobody needs.

  wrongChoice =
    interface: provider:
    let
      providers = filter (provides interface) (attrNames rooms);
      line =
        what: mend: "`choose.${interface}`${at (where [ "choose" interface ])} is ${tick provider}, ${what}: ${mend}";
    in
    if !(rooms ? ${provider}) then
      [ (line "which is not a room" (meantOr provider providers "it can be ${ticks providers}")) ]
    else if !(provides interface provider) then
      [ (line "which does not provide it" "it can be ${ticks providers}") ]
    else if forbidden provider then
      [ (line "which `libs.${provider}.enable` = false keeps out" "drop one of the two") ]
    else
      [ ];

  wrongChoices =
    interface:
    if interfaces ? ${interface} then
      concatMap (wrongChoice interface) chosen.${interface}
    else
      [
        (
          "`choose.${interface}`${at (where [ "choose" interface ])} is not an interface: "
          + meantOr interface (attrNames interfaces) "there are ${ticks (attrNames interfaces)}"
        )
      ];

  # The platform's defaults, where they are used.
  wrongDefault =
    interface:
    let
      default = platform.platform.defaults.${interface} or null;
      wrong = filter (name: !(provides interface name)) (if default == null then [ ] else lib.toList default);
      needed = lib.any (name: elem interface (knownNeeds name)) names;
    in
    map (
      name:
      "platform ${tick platform.name} has ${tick name} as its default for ${tick interface}${at [ (platform.where "platform") ]}, which is not a room that provides it: "
      + mends [
        "set `choose.${interface}`"
        "mend `platform.defaults`"
      ]
    ) (lib.optionals (needed && !(chosen ? ${interface})) wrong);

  problems =
    concatMap wrongChoices (attrNames chosen)
    ++ concatMap wrongDefault (attrNames platform.platform.defaults)
    ++ concatMap unknownNeeds names
    ++ concatMap unknownProvisions names
    ++ concatMap (unknownNeighbours "after") names
    ++ concatMap (unknownNeighbours "conflicts") names
    ++ concatMap (name: concatMap (unmet name) (knownNeeds name)) names
    ++ concatMap unfitting members
    ++ concatMap conflicting names
    ++ concatMap shared exclusive
    ++ map cyclic sorted.cycles;
in
{
  inherit problems bindings;

  # [ { key, why } ] in the order of start.
  nodes = map (name: lib.findFirst (member: member.key == name) null members) sorted.order;
}
