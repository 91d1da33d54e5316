# What a program in C finds before, beside and after its `main`.
{ builders, ... }:
{
  app = {
    name = "c-runtime";
    source = {
      src = ./src;
      build = builders.files { };
    };
    environment = {
      EMPTY = "";
      TWO = "two words";
    };
  };
  libs.musl.stackKiB = 300;
  libs.rootfs.tree = ./src;
  choose.net-stack = "no-network";
}
