# One image: the composition that weave reads, with its problems as data.
{
  lib,
  words,
  near,
  settings,
  packageAt,
  # { platform, arch } to the pool as its modules tell it for that image.
  poolFor,
  # { platform, arch } and modules to what ./evaluate.nix makes of them.
  evaluate,
}:
{
  modules,
  platform,
  arch,
}:
let
  inherit (builtins)
    attrNames
    concatMap
    elem
    filter
    ;
  inherit (words) at tick;

  pool = poolFor { inherit platform arch; };
  inherit (pool) rooms interfaces;

  evaluation = evaluate { inherit platform arch; } modules;
  inherit (evaluation) config where;

  # The application, in the form of a room.

  # A value of a wrong type counts too: it tells what was meant.
  isFromSource = lib.any (option: evaluation.isSet [ "app" "source" option ]) [ "src" "build" ];

  app =
    if isFromSource then
      import ./source-application.nix { inherit lib words; } {
        inherit (config) app;
        inherit where rooms;
        inherit (pool) packages;
      }
    else
      import ./application.nix
        {
          inherit
            lib
            words
            settings
            packageAt
            ;
        }
        {
          inherit (config) app;
          inherit where rooms;
        };

  targetProblems = import ./problems/target.nix { inherit lib words near; } {
    inherit
      rooms
      platform
      arch
      where
      ;
  };
  platformRoom = rooms.${platform};
  archRoom = rooms.${arch};

  # The graph, where there is a target to draw it for.

  needsOf =
    name:
    let
      inherit (rooms.${name}) needs;
    in
    if name == app.name then
      app.needs
    else if builtins.isFunction needs then
      needs config.libs.${name}
    else
      needs;

  configurable = filter (name: rooms.${name}.kind == "library") (attrNames rooms);

  graph = import ./graph.nix { inherit lib words near; } {
    inherit
      rooms
      interfaces
      needsOf
      where
      ;
    platform = platformRoom;
    arch = archRoom;
    application = app;
    chosen = lib.mapAttrs (_: lib.toList) config.choose;
    enable = lib.genAttrs configurable (name: config.libs.${name}.enable);
  };

  memberRooms = map (node: rooms.${node.key}) (filter (node: node.key != app.name) graph.nodes);

  # The interfaces of the image, also those that a room provides and nobody needs.
  named = lib.unique (
    concatMap (node: attrNames graph.bindings.${node.key}) graph.nodes
    ++ concatMap (room: room.provides) memberRooms
  );
  usedInterfaces = lib.genAttrs (filter (name: interfaces ? ${name}) named) (
    name: interfaces.${name}
  );
  interfaceRooms = lib.attrValues usedInterfaces;

  # Packages by name; the application's own name is that of its package.
  packages =
    pool.packages
    // lib.optionalAttrs (app.package != null) {
      ${app.name} = app.package // {
        inherit (app) name;
      };
    };
  inherit (import ./packages.nix { inherit lib; } packages) reachedFrom sourceOf;

  reached = reachedFrom (map (node: node.key) graph.nodes ++ map (room: room.name) interfaceRooms);

  crateProblems = import ./problems/crate.nix { inherit lib words near; } packages;

  unsetProblem =
    room: name:
    "`libs.${room.name}.${name}` has no value and no default${at [ (room.where "options") ]}: set it";

  duplicateProblem =
    name:
    "${tick name} names more than one package (${
      lib.concatStringsSep ", " pool.duplicates.${name}
    }): rename one";

  graphProblems =
    graph.problems
    ++ concatMap (room: room.mistakes) (memberRooms ++ interfaceRooms)
    ++ concatMap (room: map (unsetProblem room) (evaluation.unset room)) memberRooms
    ++ concatMap crateProblems.badForm (filter (name: name != app.name) reached)
    ++ concatMap crateProblems.unknownDependencies reached
    ++ map duplicateProblem (filter (name: elem name reached) (attrNames pool.duplicates));

  problems = lib.unique (
    evaluation.problems
    ++ app.problems
    ++ targetProblems
    ++ lib.optionals (targetProblems == [ ] && app.composable) graphProblems
  );
  composes = problems == [ ];

  # The parts of the composition.

  node =
    member:
    let
      isApp = member.key == app.name;
      # A program from source is started by a room.
      isRoom = rooms ? ${member.key};
      room = rooms.${member.key};
    in
    {
      room = member.key;
      kind = if isApp then "application" else room.kind;
      summary = if isApp then app.summary else room.summary;
      inherit (member) why;
      needs = graph.bindings.${member.key};
      provides = if isApp then [ ] else lib.sort (a: b: a < b) room.provides;
      settings = lib.optionalAttrs isApp app.settings // lib.optionalAttrs isRoom (evaluation.settingsOf room);
      constants = if isApp then [ ] else room.constants;
    };

  # What the image's rooms want of the machine.
  devices = lib.sort (a: b: a < b) (lib.unique (concatMap (room: room.devices) memberRooms));

  memoryMiB =
    if config.memoryMiB == null then platformRoom.platform.memoryMiB else config.memoryMiB;

  interface = name: room: {
    package = room.name;
    inherit (room.interface)
      trait
      arity
      exclusive
      static
      ;
  };
in
# With problems, the graph is not one that could be built, and is left out.
{
  image = "${app.imageName}-${platform}-${arch}";
  app = app.shownName;
  inherit platform arch problems;
  interfaces = lib.optionalAttrs composes (lib.mapAttrs interface usedInterfaces);
  nodes = lib.optionals composes (map node graph.nodes);
  rooms = lib.optionalAttrs composes (lib.genAttrs reached sourceOf);
  target =
    if composes then
      import ./target.nix {
        platform = platformRoom;
        arch = archRoom;
      }
    else
      null;
  devices = lib.optionals composes devices;
  memoryMiB = if composes then memoryMiB else null;
  inherit (config.app) ports;
}
# A program from source is built without the graph.
// lib.optionalAttrs (app.program != null && evaluation.problems == [ ] && app.problems == [ ]) {
  inherit (app) program;
}
