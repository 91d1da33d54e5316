# A program that uses the tree of files through its C library.
{ builders, ... }:
{
  app = {
    name = "c-files";
    source = {
      src = ./src;
      build = builders.files { };
    };
  };
  platforms = [
    "kvm"
    "linux"
  ];
  libs.rootfs.tree."greeting" = builtins.toFile "greeting" "Hello\n";
  choose.net-stack = "no-network";
}
