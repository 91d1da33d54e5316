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

      packTree =
        tree:
        toolchain.derive {
          name = "tree";
          tree = builtins.path {
            name = "tree";
            path = tree;
          };
          script = ''${tools.pack}/bin/pack tree "$tree" --out $out'';
        };

      builder = import ./image.nix {
        inherit lib toolchain tools root;
        inherit (composition) pool;
        lockFiles = [ (root + "/Cargo.lock") ] ++ lockFiles;
      };

      tests = import ./tests.nix { inherit lib toolchain tools builder; };
    };

  # The images of a unikernel by name, and their compositions.
  imagesOf =
    shop: module:
    let
      compositions = shop.composition.composeAll (lib.toList module);
    in
    {
      inherit compositions;
      images = lib.mapAttrs (_: composition: shop.builder.imageOf (shop.composition.checked composition)) compositions;
    };

  merge = lib.foldl' (all: next: all // next) { };

  app = image: {
    type = "app";
    program = "${image}/run";
  };

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

      scenarioFile = module: dirOf (toString module) + "/boot-test.nix";
      scenariosOf =
        module:
        if builtins.isPath module && pathExists (scenarioFile module) then import (scenarioFile module) else { };

      boots = merge (
        lib.mapAttrsToList (
          name: module: shop.tests.boots (scenariosOf module) made.${name}
        ) unikernels
      );
    in
    {
      packages = images;
      apps = lib.mapAttrs (_: app) images;
      checks = boots;
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
  inherit systems outputsFor bySystem;

  # The images of one unikernel: `mkUnikernel { system, module, rooms ? [ ], lockFiles ? [ ] }`.
  mkUnikernel =
    { module, ... }@arguments:
    (imagesOf (workshop (removeAttrs arguments [ "module" ])) module).images;

  # Outputs for a flake: `mkFlake { unikernels.<name> = ./unikernel.nix; rooms ? [ ]; lockFiles ? [ ]; }`.
  mkFlake = arguments: bySystem (outputsFor arguments);
}
