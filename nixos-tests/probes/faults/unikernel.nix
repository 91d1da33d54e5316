{
  app = {
    crate = ./.;
    needs = [ "platform" "scheduler" ];
  };
}
