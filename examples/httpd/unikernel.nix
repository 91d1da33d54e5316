{
  app = {
    crate = ./.;
    needs = [
      "clock"
      "filesystem"
      "net-stack"
    ];
    after = [ "log" ];
    ports.http = 80;
    settings = {
      port = 80;
      connections = 1024;
      keepAliveSeconds = 75;
    };
  };
  platforms = [ "kvm" "linux" ];
  libs.rootfs.tree = ./www;
  libs.logger.enable = true;
}
