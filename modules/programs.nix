# Programs from source: from what a composition says of one to the object that its image is linked with.
{
  lib,
  toolchain,
  # Rooms and packages as modules/default.nix found them.
  pool,
}:
let
  stdOf = import ./std.nix { inherit toolchain; };

  # The C library of that room, which is built for an architecture.
  libcOf = room: arch: import pool.rooms.${room}.libc { inherit toolchain arch; };

  fetched = src: if builtins.isAttrs src then toolchain.fetch src else src;

  # Shell: the source in `$src`, a directory or an archive, in the directory `source`.
  unpack = ''
    if [ -d "$src" ]; then
        cp -r --preserve=timestamps "$src" source
        chmod -R u+w source
    else
        mkdir source
        tar xf "$src" -C source --strip-components=1 --no-same-owner
    fi
  '';

  # What a build finds in its environment. `libraries` are those built before.
  environment = libc: { name, cflags, tools, libraries, ... }: {
    inherit name libc;
    programs = tools;
    UNICORE_CFLAGS = toString cflags;
    # What the compiler knows of them, and pkg-config.
    UNICORE_LIBRARIES = lib.concatStringsSep ":" (map toString libraries);
    PKG_CONFIG_LIBDIR = lib.concatMapStringsSep ":" (library: "${library}/lib/pkgconfig") libraries;
    SOURCE_DATE_EPOCH = "1";
  };

  # Runs a script where the source is unpacked.
  buildC =
    { libc, ... }:
    given:
    toolchain.derive (
      environment libc given
      // {
        program = given.program or null;
        src = fetched given.src;
        script = ''
          export PATH=$libc/bin:$PATH CC=cc jobs=''${NIX_BUILD_CORES:-1} HOME=$PWD
          ${unpack}
          cd source
          export UNICORE_SOURCE=$PWD=/$name
          ${given.script}
        '';
      }
    );

  # The same with cargo, the crates of the lock, and a standard library that makes its system calls through the C library.
  buildRust =
    { libc, arch }:
    given:
    let
      target = "${arch}-unknown-linux-musl";
      lockFile = if given.cargo.lockFile == null then "${given.src}/Cargo.lock" else given.cargo.lockFile;
      underscored = lib.replaceStrings [ "-" ] [ "_" ] target;
    in
    toolchain.cargo (
      environment libc given
      // {
        inherit (given) program;
        src = toolchain.derive {
          name = "workspace";
          src = fetched given.src;
          script = ''
            ${unpack}
            mv source $out
          '';
        };
        vendor = toolchain.vendor (builtins.fromTOML (builtins.readFile lockFile));
        CARGO_BUILD_TARGET = target;
        RUSTFLAGS = toString (
          lib.optional (!(lib.elem target toolchain.targets)) "--sysroot=${stdOf arch}"
          ++ [
            "-Clinker=${libc}/bin/cc"
            "-Clink-self-contained=no"
            # An image's code lies at fixed addresses, has frames for backtraces, and is not unwound.
            "-Crelocation-model=static"
            "-Cforce-frame-pointers=yes"
            "-Cpanic=abort"
            "-Cdebuginfo=line-tables-only"
            "--remap-path-prefix=${toolchain.paths.crates}=/crates"
            "--remap-path-prefix=${toolchain.paths.workspace}=/${given.name}"
          ]
        );
        # Crates whose build scripts compile C.
        "CC_${underscored}" = "${libc}/bin/cc";
        "CXX_${underscored}" = "${libc}/libexec/c++";
        "AR_${underscored}" = "ar";
        PKG_CONFIG_ALLOW_CROSS = "1";
        script = lib.optionalString (given.cargo.lockFile != null) "cp ${lockFile} Cargo.lock\n" + given.script;
      }
    );

  # Each library is built with those before it.
  built =
    target: libraries:
    lib.foldl' (
      before: library:
      before
      ++ [
        (buildC target {
          inherit (library) name src cflags tools;
          libraries = before;
          script = library.build + library.install;
        })
      ]
    ) [ ] libraries;

  # Shell: the object of what `cc` linked, and the program without it.
  takeApart = ''
    if ! [ -e "$program" ]; then
        echo "$name: the build made no $program; it made:" >&2
        find . -type f -perm -u+x >&2
        exit 1
    fi
    mkdir -p $out/bin
    if ! objcopy --dump-section .unicore.object=$out/program.o "$program" $out/bin/$name 2>/dev/null; then
        echo "$name: $program was not linked by cc: have the build use \$CC" >&2
        exit 1
    fi
    objcopy --remove-section .unicore.object $out/bin/$name
  '';
in
{
  # What C libraries have to pass on an architecture, by their rooms.
  libcTests =
    arch:
    lib.mapAttrs (name: _: (libcOf name arch).tests) (
      lib.filterAttrs (_: room: room.kind == "libc") pool.rooms
    );

  # The program of a composition: `program.o` for images, `bin/<name>` for this machine. Images with it are linked with its
  # `linkArguments`.
  programOf =
    { arch, program, ... }:
    let
      inherit (program) name source;
      libc = libcOf program.libc arch;
      target = { inherit libc arch; };
      made = (if source ? cargo then buildRust else buildC) target (
        source
        // {
          inherit name;
          libraries = built target program.libraries;
          script = source.build + takeApart;
        }
      );
    in
    made
    // {
      linkArguments = [
        # A program that walks a section from its `__start_` to its `__stop_` may name nothing in it.
        "-znostart-stop-gc"
        "-T${libc}/image/program.ld"
        "${made}/program.o"
        "${libc}/image/libc.a"
        "${libc}/image/libgcc.a"
      ];
    };
}
