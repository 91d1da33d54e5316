# A program in Rust that uses its standard library.
{ builders, ... }:
{
  app = {
    name = "rust-std";
    source = {
      src = ./.;
      build = builders.cargo { };
    };
    environment.GREETING = "good day";
  };
  # Nobody else writes between its lines.
  libs.logger.enable = false;
  libs.rootfs.tree."README.md" = builtins.toFile "README.md" "What it reads.\n";
}
