{
  app = {
    crate = ./.;
    needs = [ "block-device" "clock" "console" "platform" ];
  };
  platforms = [ "xen" ];
}
