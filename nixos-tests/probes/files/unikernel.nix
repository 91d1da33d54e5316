{
  app = {
    crate = ./.;
    needs = [ "console" "filesystem" ];
    settings.blocks = 100;
  };
  choose.filesystem = "ramfs";
}
