{
  app = {
    crate = ./.;
    needs = [
      "clock"
      "vfs"
    ];
    settings.rounds = 10000;
  };
  libs.rootfs.tree = ./root;
  libs.vfs.nameServers = [ "192.0.2.53" ];
}
