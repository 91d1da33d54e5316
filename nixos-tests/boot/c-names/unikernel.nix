# A program that asks name servers through its C library.
{ builders, ... }:
{
  app = {
    name = "c-names";
    source = {
      src = ./src;
      build = builders.files { };
    };
  };
  platforms = [ "kvm" ];
  libs.rootfs.tree."names.c" = ./src/names.c;
}
