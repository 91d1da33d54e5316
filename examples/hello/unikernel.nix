{
  app = {
    crate = ./.;
    needs = [ "console" ];
    settings.name = "world";
  };
  platforms = [
    "kvm"
    "linux"
    "xen"
  ];
  memoryMiB = 4;
}
