# Outputs of Unicore's own flake: its examples as anybody's unikernels, and what the pool itself has to pass.
inputs:
let
  inherit (inputs.nixpkgs) lib;
  inherit (builtins) attrNames pathExists readDir;

  root = ../.;
  outputs = import ./outputs.nix { inherit inputs root; };

  # The unikernels in a directory, by the names of their own.
  unikernelsIn =
    directory:
    let
      fileOf = name: root + "/${directory}/${name}/unikernel.nix";
      names = lib.filter (name: pathExists (fileOf name)) (attrNames (readDir (root + "/${directory}")));
    in
    lib.genAttrs names fileOf;

  examplesAlone = unikernelsIn "examples";
  examples = outputs.outputsFor { unikernels = examplesAlone; };
  tested = unikernelsIn "nixos-tests/boot" // unikernelsIn "nixos-tests/probes";

  archOf = system: lib.head (lib.splitString "-" system);

  ofSystem =
    system:
    let
      ours = examples system;
      inherit (ours.shop) toolchain tools composition;
      pages = import ./pages.nix {
        inherit lib root;
        inherit (composition) optionsPage supportPage supportMatrix;
      };
      # What test hosts have to pass themselves.
      testHostChecks = lib.mapAttrs' (platform: host: lib.nameValuePair "test-host-${platform}" host.tests) (
        lib.filterAttrs (_: host: host ? tests) ours.shop.testHosts
      );
      # The compilers of C libraries.
      libcChecks = lib.mapAttrs' (room: lib.nameValuePair "libc-${room}") (
        ours.shop.builder.libcTests (archOf system)
      );
      poolChecks = import ./checks.nix {
        inherit
          lib
          toolchain
          root
          pages
          ;
      };

      # What nixos-tests/<platform> has on the host of a platform. An image is made where a scenario asks for it.
      onHost =
        platform: host:
        import (root + "/nixos-tests/${platform}") { inherit lib; } {
          inherit toolchain host;
          inherit (ours.shop.tests) made skipped;
          player = tools."${platform}-test";
          images = lib.mapAttrs (_: outputs.imageFor ours.shop platform (archOf system)) (examplesAlone // tested);
          pkgs = inputs.nixpkgs.legacyPackages.${system} or null;
        };
      hasScenarios = platform: _: pathExists (root + "/nixos-tests/${platform}");
      hostChecks = lib.foldl' (all: next: all // next) { } (
        lib.mapAttrsToList onHost (lib.filterAttrs hasScenarios ours.shop.testHosts)
      );
    in
    ours
    // {
      packages = ours.packages // tools;
      checks =
        ours.checks // outputs.bootsOf ours.shop tested // testHostChecks // hostChecks // libcChecks // poolChecks;
      legacyPackages = ours.legacyPackages // {
        inherit (composition) optionsReference supportMatrix;
        inherit pages;
      };
      devShells.default = toolchain.shell;
      inherit (toolchain) formatter;
    };

  bySystem = name: lib.genAttrs outputs.systems (system: (ofSystem system).${name});
in
lib.genAttrs [
  "packages"
  "apps"
  "checks"
  "legacyPackages"
  "devShells"
  "formatter"
] bySystem
// {
  lib = {
    inherit (outputs) mkUnikernel mkFlake;
  };

  templates.default = {
    path = ../templates/app;
    description = "a unikernel: an application's crate and what it is linked with";
  };
}
