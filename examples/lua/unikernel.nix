{ builders, ... }:
{
  app = {
    name = "lua";
    source = {
      src = {
        url = "https://www.lua.org/ftp/lua-5.4.4.tar.gz";
        debian = "pool/main/l/lua5.4/lua5.4_5.4.4.orig.tar.gz";
        sha256 = "164c7849653b80ae67bec4b7473b884bf5cc8d2dca05653475ec2ed27b9ebf61";
      };
      build = builders.make {
        program = "src/lua";
        flags = [ "posix" ];
      };
    };
    arguments = [ "/words.lua" ];
  };
  libs.rootfs.tree = ./root;
  # Its system calls have sockets, which it does not use.
  choose.net-stack = "no-network";
}
