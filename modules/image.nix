# From a composition to `$out`: weave, compile, pack.
{
  lib,
  toolchain,
  # Host tools by name: weave and pack.
  tools,
  # Rooms and packages as modules/default.nix found them.
  pool,
  # Directory of the pool's workspace: versions, lints, profiles.
  root,
  # Lock files: the pool's, and those of applications and rooms from elsewhere.
  lockFiles ? [ (root + "/Cargo.lock") ],
}:
let
  programs = import ./programs.nix { inherit lib toolchain pool; };
  locks = import ./lock.nix { inherit lib; };
  sysrootOf = import ./sysroot.nix { inherit toolchain; };

  manifest = builtins.path {
    path = root + "/Cargo.toml";
    name = "Cargo.toml";
  };

  # The part of the lock that these rooms reach.
  lockOf =
    rooms:
    locks.part (map builtins.readFile lockFiles) (
      lib.mapAttrs (_: directory: builtins.fromTOML (builtins.readFile (directory + "/Cargo.toml"))) rooms
    );

  # A workspace that weave writes from a JSON text.
  woven =
    command: input: lock:
    toolchain.derive {
      name = "workspace";
      passAsFile = [
        "input"
        "lock"
      ];
      input = builtins.toJSON input;
      lock = locks.render lock;
      script = ''
        ${tools.weave}/bin/weave ${command} "$inputPath" --workspace ${manifest} --lock "$lockPath" --out $out
      '';
    };

  # What every crate of a target is compiled with.
  environment = sysroot: {
    RUSTC_BOOTSTRAP = "1";
    RUSTFLAGS = toString [
      "--sysroot=${sysroot}"
      "-Zunstable-options"
      "-Clinker=${toolchain.linker}"
      "-Clinker-flavor=ld.lld"
      "-Clink-arg=--build-id=none"
      "--remap-path-prefix=${toolchain.paths.crates}=/crates"
      "--remap-path-prefix=${toolchain.paths.workspace}=/unicore"
    ];
  };

  cargoFlags = sysroot: "--offline --release -p image -Zjson-target-spec --target ${sysroot}/${sysroot.target}.json";

  # Rooms of the pool that an image of this platform and architecture may have, and the packages they reach.
  roomsOf =
    { platform, arch, ... }:
    let
      admits = allowed: name: allowed == null || lib.elem name allowed;
      possible = lib.filterAttrs (
        _: room: room.kind != "interface" && admits room.platforms platform && admits room.arches arch
      ) pool.rooms;
      reached = builtins.genericClosure {
        startSet = map (key: { inherit key; }) (lib.attrNames possible);
        operator = { key }: map (key: { inherit key; }) pool.packages.${key}.dependencies;
      };
    in
    lib.genAttrs (map (package: package.key) reached) (name: pool.packages.${name}.dir);

  # A room without its sources, which dependencies do not depend on.
  manifestAlone =
    name: dir:
    builtins.path {
      inherit name;
      path = dir;
      filter = path: _: path == "${toString dir}/Cargo.toml";
    };

  # What a workspace without glue compiles, for the images that share it: `form` is how weave writes it of the rooms.
  compiled =
    name: form: rooms:
    { target, ... }:
    more:
    let
      lock = lockOf rooms;
      sysroot = sysrootOf target.specification;
    in
    toolchain.artifacts (
      environment sysroot
      // {
        name = "${name}-${sysroot.target}";
        src = woven "${form} --rooms" rooms lock;
        vendor = toolchain.vendor lock;
        script = ''
          ${young "rooms"}
          cargo build ${cargoFlags sysroot}
        '';
      }
      // more
    );

  # Cargo compiles anew what is younger than what it was compiled to, and has no other sign that a source changed. In the
  # Nix store everything is of one age. Shell: gives a directory of the workspace an age.
  young = directory: "find ${directory} -exec touch {} +";
  old = directory: "find ${directory} -exec touch --date=@1 {} +";

  # The third-party crates of all rooms of a target, compiled. A change in a source compiles none of them anew.
  dependenciesOf =
    composition:
    compiled "dependencies" "skeleton" (lib.mapAttrs manifestAlone (roomsOf composition)) composition { };

  # The rooms of an image, compiled, for all images with just these: which rooms there are decides on the features of the
  # crates. `attempt` tells builds of the same apart.
  roomsCompiled =
    composition:
    compiled "rooms" "rooms" composition.rooms composition {
      artifacts = dependenciesOf composition;
      attempt = composition.attempt or null;
    };
in
{
  inherit (programs) libcTests programOf;

  imageOf =
    composition:
    let
      inherit (composition) image target;
      sysroot = sysrootOf target.specification;
      lock = lockOf composition.rooms;
      linkArguments =
        lib.optional (target.linkerScript != null) "-T${target.linkerScript}"
        ++ lib.optionals (composition ? program) (programs.programOf composition).linkArguments;
    in
    toolchain.cargo (
      environment sysroot
      // {
        name = image;
        src = woven "image --composition" composition lock;
        vendor = toolchain.vendor lock;
        artifacts = roomsCompiled composition;
        passAsFile = [ "composition" ];
        composition = builtins.toJSON composition;
        script = ''
          ${old "rooms"}
          ${young "image"}
          cargo rustc ${cargoFlags sysroot} --bin ${image} -- ${
            toString (map (argument: "-Clink-arg=${argument}") linkArguments)
          }
          ${tools.pack}/bin/pack image --composition "$compositionPath" \
              --linked "$CARGO_TARGET_DIR/${sysroot.target}/release/${image}" --out $out
        '';
      }
    );
}
