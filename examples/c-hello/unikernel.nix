{ builders, ... }:
{
  app = {
    name = "c-hello";
    source = {
      src = ./src;
      build = builders.files { };
    };
    arguments = [ "world" ];
  };
  libs.rootfs.tree."greeting" = builtins.toFile "greeting" "Hello\n";
  # Its system calls have sockets, which it does not use.
  choose.net-stack = "no-network";
}
