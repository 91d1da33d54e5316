{ lib, ... }:
{
  app = {
    crate = ./.;
    needs = [ "clock" "filesystem" "net-stack" ];
    after = [ "log" ];
    ports.http = 80;
    settings = {
      port = 80;
      connections = 1024;
      keepAliveSeconds = 75;
    };
  };
  platforms = [ "kvm" "linux" "xen" ];
  libs.rootfs.tree = {
    "." = ./www;
    "files/1MiB.txt" = builtins.toFile "1MiB.txt" (lib.concatStringsSep "" (lib.genList (_: "0123456789abcde\n") 65536));
  };
  libs.logger.enable = true;
}
