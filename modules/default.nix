# Composition of unikernels: finds the rooms of the pool, evaluates a user's modules against them, and yields
# compositions (docs/src/explanation/composition.md). Evaluation alone: nothing here builds.
{
  lib,
  # The pool itself.
  root ? ../.,
  # More of it: directories of rooms, of pools, or of single rooms, and lists of these.
  rooms ? [ ],
  # The archive of a directory, or of files and directories by their places in it, for options that carry a tree (`apply =
  # packTree`). Who evaluates alone needs no more than a file.
  packTree ? (tree: if builtins.isAttrs tree then ./default.nix else tree),
}:
let
  inherit (builtins)
    functionArgs
    intersectAttrs
    isFunction
    ;

  words = import ./words.nix { inherit lib root; };
  near = import ./near.nix { inherit lib; };
  settings = import ./settings.nix { inherit lib; };
  positions = import ./positions.nix { inherit lib words; };
  discovery = import ./rooms.nix { inherit lib; };
  mkRoom = import ./room.nix {
    inherit
      lib
      words
      near
      settings
      ;
  };

  found = map discovery.packageAt (
    discovery.find [
      root
      rooms
    ]
  );
  byName = lib.groupBy (package: package.name) found;

  packages = lib.mapAttrs (_: lib.head) byName;
  duplicates = lib.mapAttrs (_: map (package: words.shownFile package.dir)) (
    lib.filterAttrs (_: same: lib.length same > 1) byName
  );

  # A module.nix may name its arguments or take all of them.
  call =
    arguments: module:
    if !(isFunction module) then
      module
    else if functionArgs module == { } then
      module arguments
    else
      module (intersectAttrs (functionArgs module) arguments);

  # The pool as the modules tell it for one image; null for both is the pool as such.
  poolFor =
    { platform, arch }:
    let
      arguments = {
        inherit
          lib
          mkRoom
          packTree
          platform
          arch
          ;
      };
      all = lib.mapAttrs (_: package: call arguments (import package.moduleFile)) (
        lib.filterAttrs (_: package: package.moduleFile != null) packages
      );
      interfaceRooms = lib.filterAttrs (_: room: room.kind == "interface") all;
    in
    {
      inherit packages duplicates;
      rooms = all;
      interfaces = lib.mapAttrs' (
        name: room: lib.nameValuePair (lib.removePrefix "iface-" name) room
      ) interfaceRooms;
    };

  noTarget = {
    platform = null;
    arch = null;
  };
  pool = poolFor noTarget;

  # A user's modules evaluated for one image, or for none to learn which there are.
  evaluate =
    target@{ platform, arch }:
    modules:
    evaluation {
      inherit (poolFor target) rooms;
      inherit modules;
      arguments = {
        inherit
          lib
          mkRoom
          builders
          platform
          arch
          ;
      };
    };

  builders = import ./builders.nix { inherit lib words near; };

  evaluation = import ./evaluate.nix {
    inherit
      lib
      words
      near
      positions
      settings
      ;
  };

  compose = import ./compose.nix {
    inherit
      lib
      words
      near
      settings
      poolFor
      evaluate
      ;
    inherit (discovery) packageAt;
  };

  # Every platform asked for with every architecture asked for; where the user names no architectures, with each that
  # the platform supports.
  targetsOf =
    modules:
    let
      evaluated = evaluate noTarget modules;
      inherit (evaluated.config) platforms arches;
      supports =
        platform: arch:
        let
          supported = pool.rooms.${platform}.arches or null;
        in
        evaluated.isSet [ "arches" ] || supported == null || lib.elem arch supported;
    in
    lib.concatMap (
      platform:
      map (arch: { inherit platform arch; }) (lib.filter (supports platform) (lib.unique arches))
    ) (lib.unique platforms);

  checked =
    composition:
    if composition.problems == [ ] then
      composition
    else
      throw "${composition.image} does not compose:\n${
        lib.concatMapStringsSep "\n" (problem: "  - ${problem}") composition.problems
      }";

  reference = import ./reference.nix {
    inherit lib words;
    inherit (pool) rooms;
    inherit
      (import ./options.nix {
        inherit lib settings;
        inherit (pool) rooms;
      })
      declared
      enable
      ;
  };
in
{
  inherit
    compose
    checked
    targetsOf
    pool
    ;

  inherit (reference)
    optionsReference
    supportMatrix
    optionsPage
    supportPage
    ;

  # All images of a unikernel: name to composition.
  composeAll =
    modules:
    lib.listToAttrs (
      map (
        target:
        let
          composition = compose (target // { inherit modules; });
        in
        lib.nameValuePair composition.image composition
      ) (targetsOf modules)
    );
}
