# Evaluates every case of this directory and says which do not come out as they should.
#
#   nix-instantiate --eval --strict --json nixos-tests/eval -A failures
#
# ../README.md tells what a case holds.
{
  lib ? import ../../hosts/debian/lib,
}:
let
  inherit (builtins)
    attrNames
    concatMap
    readDir
    toJSON
    ;

  files = lib.filter (name: lib.hasSuffix ".nix" name && name != "default.nix") (
    attrNames (readDir ./.)
  );
  nameOf = lib.removeSuffix ".nix";

  fixtures = ./fixtures/pool;
  app = ./fixtures/app;

  compositionWith =
    rooms:
    import ../../modules {
      inherit lib;
      rooms = [ fixtures ] ++ rooms;
    };
  # Shared by the cases that bring no rooms of their own.
  composition = compositionWith [ ];

  arguments = {
    inherit lib app bindings;
  };

  # The graph, one line a room: "room interface=provider,provider".
  bindings =
    composition:
    map (
      node:
      lib.concatStringsSep " " (
        [ node.room ]
        ++ lib.mapAttrsToList (
          interface: providers: "${interface}=${lib.concatStringsSep "," providers}"
        ) node.needs
      )
    ) composition.nodes;

  evaluated =
    file:
    let
      given = import (./. + "/${file}");
      case = if builtins.isFunction given then given arguments else given;
      pool = if case ? rooms then compositionWith case.rooms else composition;
      modules = case.modules or (withApp case.unikernel);
    in
    {
      inherit case;
      composed = pool.compose {
        platform = case.platform or "board";
        arch = case.arch or "z80";
        inherit modules;
      };
      targets = map (target: "${target.platform}-${target.arch}") (pool.targetsOf modules);
    };

  # An application to go with what a case is about.
  withApp = unikernel: lib.optional (!(unikernel ? app.crate)) { app.crate = app; } ++ [ unikernel ];

  differs =
    what: expected: got:
    lib.optional (expected != got) "${what}: expected ${toJSON expected}, got ${toJSON got}";

  failuresOf =
    file:
    let
      inherit (evaluated file) case composed targets;
      problems = case.problems or [ ];
      refused = !(builtins.tryEval (composition.checked composed)).success;
      shown = case.show composed;
    in
    map (failure: "${nameOf file}: ${failure}") (
      differs "problems" problems composed.problems
      ++ differs "refused" (problems != [ ]) refused
      ++ lib.optionals (case ? targets) (differs "targets" case.targets targets)
      ++ lib.optionals (case ? show) (differs "shown" case.shown shown)
    );
in
{
  cases = map nameOf files;

  # One line for each thing that is not as a case says; empty when all is well.
  failures = concatMap failuresOf files;

  # The compositions of all cases, for ../same-lib.nix.
  compositions = lib.genAttrs files (file: (evaluated file).composed);
}
