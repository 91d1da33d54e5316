# musl for one architecture: headers, archives for images and for native programs, and the compiler that uses them.
{
  # As modules/toolchain.nix describes it.
  toolchain,
  # Name of the architecture, which is also musl's.
  arch,
}:
let
  port = builtins.path {
    name = "musl-port";
    path = ./.;
    filter = path: _: !(builtins.elem (baseNameOf path) [ "default.nix" "tests.sh" ]);
  };

  source = toolchain.fetch {
    url = "https://musl.libc.org/releases/musl-1.2.3.tar.gz";
    debian = "pool/main/m/musl/musl_1.2.3.orig.tar.gz";
    sha256 = "7d5b0b6062521e4627e099e4c9dc8248d32a30285e959b7eecaa780cf8cfd4a4";
  };

  libc = toolchain.derive {
    name = "musl-1.2.3-${arch}";
    inherit arch port source;
    inherit (toolchain) cc;
    script = ''
      tar xf "$source"
      cd musl-1.2.3
      sh "$port/build.sh" "$port" "$cc" "$arch" "$out"
    '';
  };
in
libc
// {
  # What its compiler has to pass.
  tests = toolchain.derive {
    name = "musl-tests-${arch}";
    inherit libc;
    tests = ./tests.sh;
    script = ''
      sh "$tests" "$libc"
      : > $out
    '';
  };
}
