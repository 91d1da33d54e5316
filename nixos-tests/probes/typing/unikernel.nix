{
  app = {
    crate = ./.;
    needs = [ "clock" "console" "scheduler" ];
  };
  platforms = [ "kvm" "linux" "xen" ];
}
