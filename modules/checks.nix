# What the pool has to pass as a whole: unit tests, lints, form, and unikernels that have to be refused.
{
  lib,
  toolchain,
  root,
  # Path to text of the pages that are written (./pages.nix).
  pages,
}:
let
  inherit (builtins)
    attrNames
    concatStringsSep
    filter
    pathExists
    readFile
    ;

  manifests = [
    "arches"
    "crates"
    "examples"
    "platforms"
  ];

  # What compiling reads; documents and Nix files outside the rooms do not matter to it.
  workspace = builtins.path {
    name = "workspace";
    path = root;
    filter =
      path: _:
      let
        below = lib.removePrefix "${toString root}/" path;
      in
      lib.elem (lib.head (lib.splitString "/" below)) (
        manifests
        ++ [
          "Cargo.toml"
          "Cargo.lock"
          "rustfmt.toml"
          "docs"
        ]
      )
      || below == "nixos-tests"
      || lib.hasPrefix "nixos-tests/probes" below;
  };

  lock = builtins.fromTOML (readFile (root + "/Cargo.lock"));

  cargo =
    name: script:
    toolchain.cargo {
      inherit name;
      src = workspace;
      vendor = toolchain.vendor lock;
      script = ''
        ${script}
        : > $out
      '';
    };

  # Packages with a lock of their own: programs for Linux, which are built apart from the workspace.
  apart = lib.concatMap (
    parent:
    filter (directory: pathExists (root + "/${directory}/Cargo.lock")) (
      map (name: "${parent}/${name}") (attrNames (builtins.readDir (root + "/${parent}")))
    )
  ) [ "examples" "nixos-tests/boot" ];

  # Such a package is tested, linted and formatted as those of the workspace are.
  programCheck =
    directory:
    let
      package = root + "/${directory}";
    in
    lib.nameValuePair "program-${baseNameOf directory}" (
      toolchain.cargo {
        name = "program-${baseNameOf directory}";
        src = builtins.path {
          name = "program";
          path = package;
          filter = path: _: !(lib.hasSuffix ".nix" path) && path != "${toString package}/target";
        };
        vendor = toolchain.vendor (builtins.fromTOML (readFile (package + "/Cargo.lock")));
        rustfmt = root + "/rustfmt.toml";
        script = ''
          cp "$rustfmt" rustfmt.toml
          cargo fmt --check
          cargo clippy --offline --locked --all-targets -- -D warnings
          cargo test --offline --locked --quiet
          : > $out
        '';
      }
    );

  evaluation = import ../nixos-tests { inherit lib; };
in
lib.listToAttrs (map programCheck apart)
// {
  unit-tests = cargo "unit-tests" "cargo test --offline --workspace --no-fail-fast --quiet";
  # Counts instructions, so it takes the profile that images have.
  null-call = cargo "null-call" "cargo test --offline --release -p linux-abi --quiet null_call -- --ignored";
  clippy = cargo "clippy" "cargo clippy --offline --workspace --all-targets -- -D warnings";
  rustfmt = cargo "rustfmt" "cargo fmt --all --check";

  nix-syntax = toolchain.derive {
    name = "nix-syntax";
    programs = [ "nix" ];
    src = builtins.path {
      name = "nix-files";
      path = root;
      filter = path: type: type == "directory" && baseNameOf path != ".git" || lib.hasSuffix ".nix" path;
    };
    script = ''
      export HOME=$PWD NIX_STATE_DIR=$PWD/nix NIX_STORE_DIR=$PWD/store
      find "$src" -name '*.nix' | while read -r file; do
          nix-instantiate --parse "$file" > /dev/null
      done
      : > $out
    '';
  };

  # Evaluated already; what is left is to say so.
  refusals = toolchain.derive {
    name = "refusals";
    failures = lib.concatStringsSep "\n" evaluation.failures;
    inherit (evaluation) message;
    script = ''
      echo "$message"
      if [ -n "$failures" ]; then
          echo "$failures" >&2
          false
      fi
      : > $out
    '';
  };

  # The pages as they are committed against what they are written from.
  pages = toolchain.derive {
    name = "pages";
    stale = concatStringsSep " " (
      filter (page: !pathExists (root + "/${page}") || readFile (root + "/${page}") != pages.${page}) (
        attrNames pages
      )
    );
    script = ''
      for page in $stale; do
          echo "$page is not what the modules say: run docs/write-pages" >&2
      done
      [ -z "$stale" ]
      : > $out
    '';
  };
}
