# From a composition to `$out`: weave, compile, pack.
{
  lib,
  toolchain,
  # Host tools by name: weave and pack.
  tools,
  # Directory of the pool's workspace: versions, lints, profiles.
  root,
}:
let
  manifest = builtins.path {
    path = root + "/Cargo.toml";
    name = "Cargo.toml";
  };
  lock = builtins.path {
    path = root + "/Cargo.lock";
    name = "Cargo.lock";
  };

  vendor = toolchain.vendor (root + "/Cargo.lock");
  sysrootOf = import ./sysroot.nix { inherit toolchain; };

  # A workspace that weave writes from a JSON text.
  woven =
    command: input:
    toolchain.derive {
      # One name for all: the compiler sees the directory, and images share what the skeleton compiled.
      name = "workspace";
      passAsFile = [ "input" ];
      input = builtins.toJSON input;
      script = ''
        ${tools.weave}/bin/weave ${command} "$inputPath" --workspace ${manifest} --lock ${lock} --out $out
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
      "--remap-path-prefix=${vendor}=/crates"
      # The same for each workspace in the Nix sandbox.
      "--remap-path-prefix=${toolchain.workspace}=/unicore"
    ];
  };

  cargoFlags = sysroot: "--offline --release -p image -Zjson-target-spec --target ${sysroot}/${sysroot.target}.json";

  # Third-party crates of a target, compiled once for all its images.
  dependenciesOf =
    { specification, rooms }:
    let
      sysroot = sysrootOf specification;
    in
    toolchain.artifacts (
      environment sysroot
      // {
        name = "dependencies-${sysroot.target}";
        src = woven "skeleton --rooms" rooms;
        inherit vendor;
        script = "cargo build ${cargoFlags sysroot}";
      }
    );
in
{
  inherit dependenciesOf;

  # `rooms` are all that an image of the target may have, each a directory with a Cargo.toml; see dependenciesOf.
  imageOf =
    { composition, rooms }:
    let
      inherit (composition) image target;
      sysroot = sysrootOf target.specification;
      script = lib.optionalString (target.linkerScript != null) "-Clink-arg=-T${target.linkerScript}";
    in
    toolchain.cargo (
      environment sysroot
      // {
        name = image;
        src = woven "image --composition" composition;
        inherit vendor;
        artifacts = dependenciesOf {
          inherit rooms;
          inherit (target) specification;
        };
        passAsFile = [ "composition" ];
        composition = builtins.toJSON composition;
        script = ''
          cargo rustc ${cargoFlags sysroot} --bin ${image} -- ${script}
          ${tools.pack}/bin/pack image --composition "$compositionPath" \
              --linked "$CARGO_TARGET_DIR/${sysroot.target}/release/${image}" --out $out
        '';
      }
    );
}
