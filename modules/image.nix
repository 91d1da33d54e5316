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

  # The third-party crates that rooms need, compiled; what `artifacts` has already is taken from there.
  compiled =
    { target, ... }:
    rooms: artifacts:
    let
      lock = lockOf rooms;
      sysroot = sysrootOf target.specification;
    in
    toolchain.artifacts (
      environment sysroot
      // {
        inherit artifacts;
        name = "dependencies-${sysroot.target}";
        src = woven "skeleton --rooms" rooms lock;
        vendor = toolchain.vendor lock;
        script = "cargo build ${cargoFlags sysroot}";
      }
    );

  # Twice: once with all rooms of the target, which every image shares, and from there with those of the image, since
  # which rooms there are decides on the features of the crates. A change in a source compiles neither anew.
  dependenciesOf =
    composition:
    compiled composition (lib.mapAttrs manifestAlone composition.rooms) (
      compiled composition (lib.mapAttrs manifestAlone (roomsOf composition)) null
    );
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
        artifacts = dependenciesOf composition;
        passAsFile = [ "composition" ];
        composition = builtins.toJSON composition;
        script = ''
          cargo rustc ${cargoFlags sysroot} --bin ${image} -- ${
            toString (map (argument: "-Clink-arg=${argument}") linkArguments)
          }
          ${tools.pack}/bin/pack image --composition "$compositionPath" \
              --linked "$CARGO_TARGET_DIR/${sysroot.target}/release/${image}" --out $out
        '';
      }
    );
}
