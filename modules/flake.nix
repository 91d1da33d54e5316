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

  examples = outputs.outputsFor { unikernels = unikernelsIn "examples"; };
  tested = unikernelsIn "nixos-tests/boot" // unikernelsIn "nixos-tests/probes";

  ofSystem =
    system:
    let
      ours = examples system;
      inherit (ours.shop) toolchain tools composition;
      pages = import ./pages.nix {
        inherit lib root;
        inherit (composition) optionsPage supportPage supportMatrix;
      };
      poolChecks = import ./checks.nix {
        inherit
          lib
          toolchain
          root
          pages
          ;
      };
    in
    ours
    // {
      packages = ours.packages // tools;
      checks = ours.checks // outputs.bootsOf ours.shop tested // poolChecks;
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
