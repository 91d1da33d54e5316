# Host tools: crates of the pool that run while images are built or tested. Each is built from the packages it reaches
# alone, so that a change in a library builds no tool anew.
{
  lib,
  toolchain,
  # Directory of the pool's workspace, and every package in it by name.
  root,
  packages,
}:
let
  inherit (builtins) concatStringsSep map;

  isTool =
    package: package.moduleFile == null && builtins.pathExists (package.dir + "/src/main.rs");

  reached =
    name:
    map (member: member.key) (
      builtins.genericClosure {
        startSet = [ { key = name; } ];
        operator = { key }: map (dependency: { key = dependency; }) packages.${key}.dependencies;
      }
    );

  names = lib.attrNames (lib.filterAttrs (_: isTool) packages);
  vendor = toolchain.vendor (root + "/Cargo.lock");

  source =
    name: path:
    builtins.path {
      inherit name path;
    };

  # Every crate's manifest with empty sources: what this compiles is what the tools have in common.
  skeleton = toolchain.derive {
    name = "workspace";
    manifest = source "Cargo.toml" (root + "/Cargo.toml");
    lock = source "Cargo.lock" (root + "/Cargo.lock");
    script = ''
      crate() {
          mkdir -p "$out/crates/$1/src"
          sed '/^\[dev-dependencies\]/,/^$/d' "$2" > "$out/crates/$1/Cargo.toml"
          : > "$out/crates/$1/src/lib.rs"
      }
      mkdir $out
      ${copyWorkspace}
      ${concatStringsSep "\n" (
        map (name: "crate ${name} ${source "Cargo.toml" (packages.${name}.dir + "/Cargo.toml")}") (
          lib.unique (lib.concatMap reached names)
        )
      )}
    '';
  };

  # The pool's workspace with the crates that are there as its members.
  copyWorkspace = ''
    sed 's|^members = .*|members = ["crates/*"]|' "$manifest" > $out/Cargo.toml
    cp "$lock" $out/Cargo.lock
  '';

  workspace =
    name:
    toolchain.derive {
      name = "workspace";
      manifest = source "Cargo.toml" (root + "/Cargo.toml");
      lock = source "Cargo.lock" (root + "/Cargo.lock");
      script = ''
        mkdir -p $out/crates
        ${copyWorkspace}
        ${concatStringsSep "\n" (
          map (crate: "cp -r ${source crate packages.${crate}.dir} $out/crates/${crate}") (reached name)
        )}
      '';
    };

  artifacts = toolchain.artifacts {
    name = "tools-dependencies";
    src = skeleton;
    inherit vendor;
    script = "cargo build --offline --profile tool --workspace";
  };

  tool =
    name:
    toolchain.cargo {
      inherit name vendor artifacts;
      src = workspace name;
      script = ''
        cargo build --offline --profile tool -p ${name}
        mkdir -p $out/bin
        cp "$CARGO_TARGET_DIR/tool/${name}" $out/bin/
      '';
    };
in
lib.genAttrs names tool
