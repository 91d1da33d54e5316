# Outputs of a flake: images of unikernels by name, how to run and to test them.
{
  # The flake's inputs.
  inputs,
  # Directory of the pool's workspace.
  root,
}:
let
  inherit (inputs.nixpkgs) lib;
  inherit (builtins) baseNameOf pathExists;

  systems = [
    "aarch64-linux"
    "x86_64-linux"
  ];

  toolchainFor = import ./toolchain.nix { inherit (inputs) nixpkgs crane rust-overlay; };

  # The pool with more rooms, and what builds from it on one system.
  workshop =
    {
      system,
      rooms ? [ ],
      lockFiles ? [ ],
    }:
    rec {
      toolchain = toolchainFor system;

      composition = import ./. {
        inherit
          lib
          root
          rooms
          packTree
          ;
      };

      tools = import ./tools.nix {
        inherit lib toolchain root;
        inherit (composition.pool) packages;
      };

      # The archive of a directory, or of files and directories by their places in it.
      packTree =
        tree:
        let
          sources = if builtins.isAttrs tree && !(lib.isDerivation tree) then tree else { "." = tree; };
        in
        toolchain.derive {
          name = "tree";
          script = ''
            mkdir tree
            ${lib.concatStringsSep "\n" (lib.mapAttrsToList place sources)}
            ${tools.pack}/bin/pack tree tree --out $out
          '';
        };

      builder = import ./image.nix {
        inherit lib toolchain tools root;
        inherit (composition) pool;
        lockFiles = [ (root + "/Cargo.lock") ] ++ lockFiles;
      };

      # By platform, for those that want one; null where this toolchain cannot make it.
      testHosts = lib.mapAttrs (_: room: testHostOf room.platform.testHost) (
        lib.filterAttrs (_: room: room.platform.testHost != null) composition.pool.rooms
      );

      testHostOf =
        directory:
        let
          make = import directory;
        in
        make (builtins.intersectAttrs (builtins.functionArgs make) { inherit lib toolchain tools; });

      tests = import ./tests.nix {
        inherit
          lib
          toolchain
          tools
          builder
          packTree
          testHosts
          ;
        inherit (composition) pool;
      };
    };

  # Shell: a file, or what is in a directory, at a place in the directory `tree`.
  place =
    where: source:
    let
      from =
        if builtins.isPath source then
          builtins.path {
            name = "source";
            path = source;
          }
        else
          source;
      to = "'tree/${builtins.replaceStrings [ "'" ] [ "'\\''" ] where}'";
    in
    ''
      mkdir -p "$(dirname ${to})"
      cp -rT ${from} ${to}
      chmod -R u+w tree
    '';

  # The images of a unikernel by name, and their compositions.
  imagesOf =
    shop: module:
    let
      compositions = shop.composition.composeAll (lib.toList module);
    in
    {
      inherit compositions;
      images = lib.mapAttrs (_: composition: shop.builder.imageOf (shop.composition.checked composition)) compositions;
      # Programs from source, as programs of this machine.
      natives = lib.mapAttrs' (
        _: composition:
        lib.nameValuePair "${composition.app}-native-${composition.arch}" (shop.builder.programOf composition)
      ) (lib.filterAttrs (_: composition: composition ? program) compositions);
    };

  # The image of a unikernel for a platform and architecture.
  imageFor =
    shop: platform: arch: module:
    let
      made = imagesOf shop module;
      isIt = composition: composition.platform == platform && composition.arch == arch;
    in
    made.images.${lib.head (builtins.attrNames (lib.filterAttrs (_: isIt) made.compositions))};

  merge = lib.foldl' (all: next: all // next) { };

  app = image: {
    type = "app";
    program = "${image}/run";
  };

  # What the boot-test.nix beside a unikernel says.
  scenariosOf =
    module:
    let
      file = dirOf (toString module) + "/boot-test.nix";
    in
    if builtins.isPath module && pathExists file then import file else { };

  # Boot tests of unikernels by name that are no images to offer: variants of others, probes.
  bootsOf =
    shop: unikernels:
    merge (
      lib.mapAttrsToList (
        name: module: shop.tests.bootsAs name (scenariosOf module) (imagesOf shop module)
      ) unikernels
    );

  outputsFor =
    {
      unikernels,
      rooms ? [ ],
      lockFiles ? [ ],
    }:
    system:
    let
      shop = workshop { inherit system rooms lockFiles; };
      made = lib.mapAttrs (_: imagesOf shop) unikernels;
      compositions = merge (lib.mapAttrsToList (_: one: one.compositions) made);
      images = merge (lib.mapAttrsToList (_: one: one.images) made);
      natives = merge (lib.mapAttrsToList (_: one: one.natives) made);

      checks = merge (
        lib.mapAttrsToList (
          name: module: shop.tests.boots (scenariosOf module) made.${name} // shop.tests.rebuilds made.${name}
        ) unikernels
      );
    in
    {
      packages = images // natives // lib.mapAttrs' (platform: lib.nameValuePair "test-host-${platform}") (
        lib.filterAttrs (_: host: host != null) shop.testHosts
      );
      apps = lib.mapAttrs (_: app) images;
      inherit checks;
      legacyPackages = {
        inherit compositions;
      };
      inherit shop;
    };

  outputNames = [
    "packages"
    "apps"
    "checks"
    "legacyPackages"
  ];

  bySystem =
    outputs:
    lib.genAttrs outputNames (name: lib.genAttrs systems (system: (outputs system).${name}));
in
{
  inherit
    systems
    outputsFor
    imageFor
    bootsOf
    bySystem
    ;

  # The images of one unikernel: `mkUnikernel { system, module, rooms ? [ ], lockFiles ? [ ] }`.
  mkUnikernel =
    { module, ... }@arguments:
    (imagesOf (workshop (removeAttrs arguments [ "module" ])) module).images;

  # Outputs for a flake: `mkFlake { unikernels.<name> = ./unikernel.nix; rooms ? [ ]; lockFiles ? [ ]; }`.
  mkFlake = arguments: bySystem (outputsFor arguments);
}
