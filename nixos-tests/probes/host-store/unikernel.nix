{
  app = {
    crate = ./.;
    needs = [ "console" "scheduler" "xenstore" ];
    after = [ "log" ];
  };
  platforms = [ "xen" ];
}
