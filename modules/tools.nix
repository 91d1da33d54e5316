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

  locks = import ./lock.nix { inherit lib; };

  source = name: path: builtins.path { inherit name path; };

  tool =
    name:
    let
      crates = reached name;
      lock = locks.part [ (builtins.readFile (root + "/Cargo.lock")) ] (
        lib.genAttrs crates (crate: packages.${crate}.manifest)
      );
      vendor = toolchain.vendor lock;

      # A workspace of these crates, each laid out by a line of shell.
      workspace =
        layOut:
        toolchain.derive {
          name = "workspace";
          manifest = source "Cargo.toml" (root + "/Cargo.toml");
          passAsFile = [ "lock" ];
          lock = locks.render lock;
          script = ''
            mkdir -p $out/crates
            sed 's|^members = .*|members = ["crates/*"]|' "$manifest" > $out/Cargo.toml
            cp "$lockPath" $out/Cargo.lock
            ${concatStringsSep "\n" (map layOut crates)}
            # Cargo wants the development dependencies of members too, and here are none.
            for crate in $out/crates/*/Cargo.toml; do
                sed -i '/^\[dev-dependencies\]/,/^$/d' "$crate"
            done
          '';
        };

      copy = crate: ''
        cp -r ${source crate packages.${crate}.dir} $out/crates/${crate}
        chmod -R u+w $out/crates/${crate}
      '';

      # Only what it depends on: empty sources do the rest.
      outline = crate: ''
        mkdir -p $out/crates/${crate}/src
        cp ${source "Cargo.toml" (packages.${crate}.dir + "/Cargo.toml")} $out/crates/${crate}/Cargo.toml
        : > $out/crates/${crate}/src/lib.rs
      '';

      build = "cargo build --offline --profile tool -p ${name}";
    in
    toolchain.cargo {
      inherit name vendor;
      src = workspace copy;
      artifacts = toolchain.artifacts {
        name = "${name}-dependencies";
        src = workspace outline;
        inherit vendor;
        script = build;
      };
      script = ''
        ${build}
        mkdir -p $out/bin
        cp "$CARGO_TARGET_DIR/tool/${name}" $out/bin/
      '';
    };
in
lib.genAttrs names tool
