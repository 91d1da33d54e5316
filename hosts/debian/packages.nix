# As much of nixpkgs' package set as crane needs, from the machine's own tools: it shows that the way through crane
# builds (nixos-tests/outside-sandbox/nixpkgs-provider), where nixpkgs itself is out of reach.
{
  # nixpkgs' own lib.
  lib,
  # The host toolchain, ./toolchain.nix.
  toolchain,
}:
let
  inherit (toolchain) system;

  # Attributes that are about a derivation and no part of it.
  about = [
    "meta"
    "passthru"
  ];

  platform = {
    inherit system;
    rust.rustcTarget = "${lib.head (lib.splitString "-" system)}-unknown-linux-gnu";
    canExecute = _: true;
    emulatorAvailable = _: false;
    isMinGW = false;
  };

  mkDerivation =
    arguments:
    derivation (
      removeAttrs arguments about
      // {
        inherit system;
        inherit (toolchain) versions;
        name = arguments.name or "${arguments.pname}-${arguments.version}";
        builder = "/bin/bash";
        args = [
          "-c"
          ". ${./stdenv.sh}; exit 0"
        ];
        PATH = "/usr/bin:/bin";
      }
    )
    // (arguments.passthru or { });

  # A package whose programs are on the machine's PATH already.
  onThisMachine = name: runCommand name { } "mkdir $out";

  runCommand =
    name: attributes: buildCommand:
    mkDerivation (attributes // { inherit name buildCommand; });

  pkgs = rec {
    inherit
      lib
      pkgs
      runCommand
      ;
    stdenv = {
      inherit mkDerivation;
      buildPlatform = platform;
      hostPlatform = platform;
      targetPlatform = platform;
      cc = onThisMachine "cc" // {
        targetPrefix = "";
      };
    };

    callPackage = lib.callPackageWith pkgs;
    newScope = scope: lib.callPackageWith (pkgs // scope);
    splicePackages = { pkgsHostTarget, ... }: pkgsHostTarget;
    makeScopeWithSplicing' = lib.makeScopeWithSplicing' { inherit splicePackages newScope; };

    pkgsBuildBuild = pkgs;
    pkgsBuildHost = pkgs;
    pkgsBuildTarget = pkgs;
    pkgsHostHost = pkgs;
    pkgsHostTarget = pkgs;
    pkgsTargetTarget = pkgs;

    runCommandLocal = runCommand;

    writeText =
      name: text:
      runCommand name {
        inherit text;
        passAsFile = [ "text" ];
      } ''cp "$textPath" $out'';

    makeSetupHook =
      {
        name,
        substitutions ? { },
        ...
      }:
      script:
      runCommand name { } ''
        mkdir -p $out/nix-support
        cp ${script} $out/nix-support/setup-hook
        chmod u+w $out/nix-support/setup-hook
        ${lib.concatStrings (
          lib.mapAttrsToList (
            variable: value: "sed -i 's|@${variable}@|${toString value}|g' $out/nix-support/setup-hook\n"
          ) substitutions
        )}
      '';

    # `mirror://` is nixpkgs' own.
    fetchurl =
      {
        url ? null,
        urls ? [ url ],
        name ? baseNameOf (lib.head urls),
        sha256,
        ...
      }:
      mkDerivation {
        inherit name urls;
        outputHashMode = "flat";
        outputHashAlgo = "sha256";
        outputHash = sha256;
        buildCommand = ''
          for url in $urls; do
              if curl --location --fail --silent --show-error "$url" --output $out; then break; fi
          done
          [ -e $out ]
        '';
      };
  }
  // lib.genAttrs [ "cargo" "jq" "rsync" "rustc" "zstd" ] onThisMachine;
in
pkgs
