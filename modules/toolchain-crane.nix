# A toolchain made of crane and a package set; what each attribute is for stands in ./toolchain.nix.
{
  pkgs,
  # crane's library for these packages and this Rust.
  crane,
  # Package with rustc, cargo, clippy, rustfmt.
  rust,
  system,
  # Those that this Rust has a standard library for.
  targets,
  # Paths of ld.lld, of a C compiler that nothing is added to, and of the standard library's sources.
  linker,
  cc,
  library,
  # Packages by the names that `programs` of `derive` uses, before those of nixpkgs.
  programs,
  shell,
  formatter,
}:
let
  inherit (pkgs) lib;

  resolve = map (name: programs.${name} or pkgs.${name} or (throw "nixpkgs has no package `${name}`, which a build calls"));

  # Builds happen in /build, in the sandbox; directories are unpacked under their names in the store.
  paths = {
    workspace = "/build/workspace";
    crates = "/build/crates";
  };

  cargo =
    {
      src,
      vendor,
      script,
      artifacts ? null,
      ...
    }@arguments:
    crane.mkCargoDerivation (
      removeAttrs arguments [
        "artifacts"
        "programs"
        "script"
        "vendor"
      ]
      // {
        pname = arguments.name;
        version = "0";
        cargoArtifacts = artifacts;
        cargoVendorDir = vendor;
        nativeBuildInputs = resolve (arguments.programs or [ ]);
        # The crates at a place that does not change with the lock, so that compiled ones fit wherever they are used.
        preBuild = ''
          export CARGO_TARGET_DIR=$PWD/target
          ln -s ${vendor} "$NIX_BUILD_TOP/crates"
          sed -i "s|${vendor}|$NIX_BUILD_TOP/crates|g" "$CARGO_HOME/config.toml"
        '';
        buildPhaseCargoCommand = script;
        installPhaseCommand = "";
        doInstallCargoArtifacts = arguments.doInstallCargoArtifacts or false;
        # Neither stripped nor patched: an image is no program of this machine.
        dontFixup = true;
      }
    );
in
{
  inherit
    system
    linker
    cc
    library
    targets
    paths
    shell
    formatter
    cargo
    ;
  name = "nixpkgs";

  derive =
    { name, script, ... }@arguments:
    pkgs.runCommand name (
      removeAttrs arguments [
        "name"
        "script"
        "programs"
      ]
      // {
        nativeBuildInputs = [ rust ] ++ resolve (arguments.programs or [ ]);
      }
    ) script;

  fetch =
    {
      url ? null,
      sha256,
      debian ? null,
    }:
    pkgs.fetchurl {
      urls = lib.optional (url != null) url ++ lib.optional (debian != null) "mirror://debian/${debian}";
      inherit sha256;
    };

  vendor = lock: crane.vendorCargoDeps { cargoLockParsed = lock; };

  artifacts = arguments: cargo (arguments // { doInstallCargoArtifacts = true; });
}
