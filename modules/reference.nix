# What the modules say of themselves, as data and as Markdown: the reference of options, the rooms, who runs where.
{
  lib,
  words,
  # Options of a unikernel.nix for these rooms, as ./options.nix declares them; `enable` of a library.
  declared,
  enable,
  rooms,
}:
let
  inherit (builtins) attrNames concatMap filter;
  inherit (words) shownValue tick ticks;

  sorted = lib.attrValues rooms;
  ofKind = kind: filter (room: room.kind == kind) sorted;
  namesOf = kind: map (room: room.name) (ofKind kind);

  leaves =
    path: tree:
    concatMap (
      name:
      let
        below = path ++ [ name ];
      in
      if lib.isOption tree.${name} then [ (optionData below tree.${name}) ] else leaves below tree.${name}
    ) (attrNames tree);

  optionData = path: option: {
    option = lib.concatStringsSep "." path;
    type = option.type.description or "unspecified";
    # null where there is none: the option must be set.
    default = if option ? default then shownValue option.default else null;
    description = option.description or "";
  };

  admits = allowed: name: allowed == null || lib.elem name allowed;
  allows =
    platform: arch: room:
    admits room.platforms platform.name && admits room.arches arch.name;

  # Each platform with each architecture that it supports, and the names of the rooms that can be had there.
  targets = concatMap (
    platform: map (targetOf platform) (filter (arch: admits platform.arches arch.name) (ofKind "arch"))
  ) (ofKind "platform");

  targetOf = platform: arch: {
    name = "${platform.name}-${arch.name}";
    rooms = map (room: room.name) (withProviders (filter (allows platform arch) sorted));
  };

  # Those of `present` whose needs others of them meet.
  withProviders =
    present:
    let
      provided = concatMap (room: room.provides) present;
      met = filter (room: lib.all (need: lib.elem need provided) (necessities room)) present;
    in
    if met == present then present else withProviders met;

  # What a room cannot do without, its settings left at their defaults.
  necessities =
    room:
    let
      defaults = lib.mapAttrs (_: option: option.default or null) room.options;
      needs = if builtins.isFunction room.needs then room.needs defaults else room.needs;
      arityOf = interface: rooms."iface-${interface}".interface.arity or "one";
    in
    filter (interface: arityOf interface == "one") needs;

  supportOf = room: {
    room = room.name;
    inherit (room) kind summary provides;
    targets = map (target: target.name) (filter (target: lib.elem room.name target.rooms) targets);
  };

  interfaceData =
    room:
    let
      name = lib.removePrefix "iface-" room.name;
    in
    {
      interface = name;
      inherit (room) summary;
      inherit (room.interface) trait arity exclusive;
      providers = map (provider: provider.name) (
        filter (provider: lib.elem name provider.provides) sorted
      );
    };

  # Every library has `enable`; it is told once.
  unikernelOptions = leaves [ ] (removeAttrs declared [ "libs" ]) ++ [
    (optionData [
      "libs"
      "<room>"
      "enable"
    ] enable)
  ];

  roomOptions = map (room: {
    room = room.name;
    inherit (room) kind summary;
    options = leaves [
      "libs"
      room.name
    ] room.options;
  }) (filter (room: room.kind != "interface") sorted);

  # Markdown.

  cell = lib.replaceStrings [ "|" "\n" ] [ "\\|" " " ];
  row = cells: "| ${lib.concatMapStringsSep " | " cell cells} |\n";
  table =
    headings: rows:
    row headings + "|${lib.concatMapStrings (_: "---|") headings}\n" + lib.concatMapStrings row rows;

  optionTable =
    options:
    table
      [
        "option"
        "type"
        "default"
        "what it is"
      ]
      (
        map (option: [
          (tick option.option)
          option.type
          (if option.default == null then "none" else tick option.default)
          option.description
        ]) options
      );

  roomSection = room: ''

    ## ${room.room}

    ${room.summary} (${room.kind})

    ${if room.options == [ ] then "No options.\n" else optionTable room.options}'';

  supportRow =
    support:
    [
      support.room
      support.summary
    ]
    ++ map (target: if lib.elem target.name support.targets then "yes" else "–") targets;

  supportTable =
    kind:
    table (
      [
        kind
        "what it is"
      ]
      ++ map (target: target.name) targets
    ) (map (room: supportRow (supportOf room)) (ofKind kind));
in
{
  optionsReference = {
    unikernel = unikernelOptions;
    rooms = roomOptions;
  };

  supportMatrix = {
    targets = map (target: target.name) targets;
    rooms = map supportOf (filter (room: room.kind != "interface") sorted);
    interfaces = map interfaceData (ofKind "interface");
  };

  # Pages of the documentation.
  optionsPage = ''
    # Options

    What a `unikernel.nix` may set. Written from the modules; a change here is lost.

    ## The unikernel

    ${optionTable unikernelOptions}${lib.concatMapStrings roomSection roomOptions}'';

  supportPage = ''
    # Support matrix

    Written from the modules; a change here is lost. Platforms: ${ticks (namesOf "platform")}; architectures:
    ${ticks (namesOf "arch")}.

    ## Rooms

    ${supportTable "library"}
    ## Interfaces

    ${table
      [
        "interface"
        "what it is"
        "providers in an image"
        "provided by"
      ]
      (
        map (interface: [
          (tick interface.interface)
          interface.summary
          (interface.arity + lib.optionalString interface.exclusive ", for one user")
          (ticks interface.providers)
        ]) (map interfaceData (ofKind "interface"))
      )
    }'';
}
