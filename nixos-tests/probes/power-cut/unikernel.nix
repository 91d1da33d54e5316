{
  app = {
    crate = ./.;
    needs = [ "console" "filesystem" "platform" ];
  };
  choose.filesystem = "fat";
}
