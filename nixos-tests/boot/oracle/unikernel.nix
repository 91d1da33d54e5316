{ builders, ... }:
{
  app = {
    name = "oracle";
    source = {
      src = ./suite;
      build = builders.files { };
    };
  };
  platforms = [
    "kvm"
    "linux"
    "xen"
  ];
  libs = {
    # Nobody else writes between its lines.
    logger.enable = false;
    # Linux gives 8 MiB, of which a program takes what it touches.
    musl.stackKiB = 2048;
    # All that it reads it has made itself.
    rootfs.tree."README.md" = ./README.md;
  };
}
