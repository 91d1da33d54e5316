# A program in Rust: cargo builds it by its lock file, and one of its binaries is the program.
{
  platform = "kvm";
  arch = "x86_64";
  modules = [
    (
      { builders, ... }:
      {
        app = {
          name = "crier";
          source = {
            src = ./fixtures/cargo;
            build = builders.cargo {
              program = "town";
              flags = [ "--features" "loud" ];
            };
          };
        };
        libs.rootfs.tree = ./fixtures/app;
        choose.net-stack = "no-network";
      }
    )
  ];
  show =
    composition:
    let
      inherit (composition.program) source;
      first = builtins.head (builtins.split "\n" source.build);
    in
    [
      composition.image
      first
      source.program
      (toString source.cargo.lockFile)
    ];
  shown = [
    "crier-kvm-x86_64"
    "cargo build --offline --locked --release --bin 'town' '--features' 'loud'"
    "target/program"
    ""
  ];
}
