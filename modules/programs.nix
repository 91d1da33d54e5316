# Programs from source: from what a composition says of one to the object that its image is linked with.
{
  lib,
  toolchain,
  # Rooms and packages as modules/default.nix found them.
  pool,
}:
let
  # The C library of that room, which is built for an architecture.
  libcOf = room: arch: import pool.rooms.${room}.libc { inherit toolchain arch; };

  fetched = src: if builtins.isAttrs src then toolchain.fetch src else src;

  # Runs a script where the source is unpacked. `libraries` are those built before.
  build =
    libc:
    {
      name,
      src,
      cflags,
      tools,
      libraries,
      script,
      program ? null,
    }:
    toolchain.derive {
      inherit name libc program;
      src = fetched src;
      programs = tools;
      UNICORE_CFLAGS = toString cflags;
      # What the compiler knows of them, and pkg-config.
      UNICORE_LIBRARIES = lib.concatStringsSep ":" (map toString libraries);
      PKG_CONFIG_LIBDIR = lib.concatMapStringsSep ":" (library: "${library}/lib/pkgconfig") libraries;
      SOURCE_DATE_EPOCH = "1";
      script = ''
        export PATH=$libc/bin:$PATH CC=cc jobs=''${NIX_BUILD_CORES:-1} HOME=$PWD
        if [ -d "$src" ]; then
            cp -r --preserve=timestamps "$src" source
            chmod -R u+w source
        else
            mkdir source
            tar xf "$src" -C source --strip-components=1 --no-same-owner
        fi
        cd source
        export UNICORE_SOURCE=$PWD=/$name
        ${script}
      '';
    };

  # Each library is built with those before it.
  built =
    libc: libraries:
    lib.foldl' (
      before: library:
      before
      ++ [
        (build libc {
          inherit (library) name src cflags tools;
          libraries = before;
          script = library.build + library.install;
        })
      ]
    ) [ ] libraries;
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
      made = build libc {
        inherit name;
        inherit (source)
          src
          cflags
          tools
          program
          ;
        libraries = built libc program.libraries;
        script = ''
          ${source.build}
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
      };
    in
    made
    // {
      linkArguments = [
        "-T${libc}/image/program.ld"
        "${made}/program.o"
        "${libc}/image/libc.a"
        "${libc}/image/libgcc.a"
      ];
    };
}
