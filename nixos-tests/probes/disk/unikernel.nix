{
  app = {
    crate = ./.;
    needs = [ "block-device" "clock" "console" "platform" ];
  };
}
