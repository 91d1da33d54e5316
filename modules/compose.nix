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
  inherit (words)
    at
    mends
    tick
    ticks
    ;

  pool = poolFor { inherit platform arch; };
  inherit (pool) rooms interfaces;

  evaluation = evaluate { inherit platform arch; } modules;
  inherit (evaluation) config where;

  # The application, in the form of a room.

  app =
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

  # The target.

  namesOf = kind: filter (name: rooms.${name}.kind == kind) (attrNames rooms);

  unknownTarget =
    word: kind: option: name:
    lib.optional (!(elem name (namesOf kind))) (
      "${word} ${tick name}${at (where [ option ])} is not in the pool: "
      + near.meantOr name (namesOf kind) "there are ${ticks (namesOf kind)}"
    );

  unknownTargets =
    unknownTarget "platform" "platform" "platforms" platform
    ++ unknownTarget "architecture" "arch" "arches" arch;

  platformRoom = rooms.${platform};
  archRoom = rooms.${arch};

  supportsArch = platformRoom.arches == null || elem arch platformRoom.arches;

  unsupportedTarget = lib.optional (!supportsArch) (
    "platform ${tick platform} does not support architecture ${tick arch}${at (where [ "arches" ])}, only ${ticks platformRoom.arches}${
      at [ (platformRoom.where "arches") ]
    }: "
    + mends [
      "take ${tick arch} out of `arches`"
      "take ${tick platform} out of `platforms`"
    ]
  );

  linkerScripts = platformRoom.platform.linkerScripts;

  noLinkerScript = lib.optional (supportsArch && linkerScripts != { } && !(linkerScripts ? ${arch})) (
    "platform ${tick platform} has no linker script for ${tick arch}${
      at [ (platformRoom.where "platform") ]
    }: add `platform.linkerScripts.${arch}`, or take ${tick arch} out of its `arches`"
  );

  targetProblems =
    if unknownTargets != [ ] then unknownTargets else unsupportedTarget ++ noLinkerScript;

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

  # Packages: the members, the interfaces among them, and whatever they depend on by path.

  packages = pool.packages // lib.optionalAttrs (app.package != null) { ${app.name} = app.package; };

  bound = lib.unique (
    concatMap (node: attrNames graph.bindings.${node.key}) graph.nodes
    ++ concatMap (room: room.provides) memberRooms
  );
  usedInterfaces = lib.genAttrs (filter (name: interfaces ? ${name}) bound) (
    name: interfaces.${name}
  );

  reached = map (package: package.key) (
    builtins.genericClosure {
      startSet = map (name: { key = name; }) (
        map (node: node.key) graph.nodes ++ map (room: room.name) (lib.attrValues usedInterfaces)
      );
      operator =
        { key }:
        map (name: { key = name; }) (
          filter (name: packages ? ${name}) (packages.${key}.dependencies or [ ])
        );
    }
  );

  packageProblems = import ./problems/crate.nix { inherit lib words near; } packages;

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
    ++ concatMap (room: room.mistakes) (memberRooms ++ lib.attrValues usedInterfaces)
    ++ concatMap (room: map (unsetProblem room) (evaluation.unset room)) memberRooms
    ++ concatMap packageProblems (filter (name: name != app.name) reached)
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
      room = rooms.${member.key};
    in
    {
      room = member.key;
      kind = if isApp then "application" else room.kind;
      summary = if isApp then app.summary else room.summary;
      inherit (member) why;
      needs = graph.bindings.${member.key};
      provides = if isApp then [ ] else lib.sort (a: b: a < b) room.provides;
      settings = if isApp then app.settings else evaluation.settingsOf room;
      constants = if isApp then [ ] else room.constants;
    };

  interface = name: room: {
    package = room.name;
    inherit (room.interface)
      trait
      arity
      exclusive
      static
      ;
  };

  # What a package's build does not read stays out of its source, so that a change there builds nothing anew.
  unread = [
    "module.nix"
    "unikernel.nix"
    "flake.nix"
    "flake.lock"
    "boot-test.nix"
    "tests"
    "benches"
    "target"
  ];

  source =
    name:
    let
      inherit (packages.${name}) dir;
      left = map (entry: "${toString dir}/${entry}") unread;
    in
    builtins.path {
      inherit name;
      path = dir;
      filter = path: _: !(elem path left);
    };

  file = path: if path == null then null else "${path}";

  # The architecture's target specification, with what the platform changes in it.
  specification =
    let
      inherit (archRoom.arch) targetSpec;
      changes = platformRoom.platform.target;
    in
    if changes == { } then
      file targetSpec
    else
      builtins.toFile (baseNameOf (toString targetSpec)) (
        builtins.toJSON (builtins.fromJSON (builtins.readFile targetSpec) // changes)
      );

  target = {
    inherit specification;
    linkerScript = file (linkerScripts.${arch} or null);
    inherit (archRoom.arch) qemu;
    run = file platformRoom.platform.run;
    inherit (platformRoom.platform) entryProtocols;
  };
in
# With problems, the graph is not one that could be built, and is left out.
{
  image = "${app.imageName}-${platform}-${arch}";
  app = app.name;
  inherit platform arch problems;
  interfaces = lib.optionalAttrs composes (lib.mapAttrs interface usedInterfaces);
  nodes = lib.optionals composes (map node graph.nodes);
  rooms = lib.optionalAttrs composes (
    lib.genAttrs (filter (name: packages ? ${name}) reached) source
  );
  target = if composes then target else null;
  inherit (config.app) ports;
}
