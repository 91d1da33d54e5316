{
  lib,
  mkRoom,
  arch,
  ...
}:
mkRoom ./. {
  summary = "disks of a Xen domain";
  platforms = [ "xen" ];
  needs = [
    "clock"
    "event-channels"
    "events"
    "grant-table"
    "scheduler"
    "xenstore"
  ];
  provides = [ "block-device" ];
  after = [ "log" ];
  devices = [ "disk" ];
  options.device = lib.mkOption {
    type = lib.types.nullOr (lib.types.strMatching "(xvd|sd|hd)[a-z]+[0-9]*|[0-9]+");
    default = null;
    description = "The disk, as the domain's configuration names it (`xvdb`), or its number as a virtual device (`51728`); null: the first that is no CD-ROM drive.";
  };
  options.bufferKiB = lib.mkOption {
    type = lib.types.ints.between 4 8192;
    default = 512;
    description = "Most memory for requests under way, in KiB: what goes to and from the disk is copied through it. It is taken page by page as it is needed.";
  };
  options.patienceSeconds = lib.mkOption {
    type = lib.types.ints.between 0 86400;
    default = 30;
    description = "How long requests wait for a backend that is away to come back before they fail, in seconds.";
  };
  options.protocol = lib.mkOption {
    type = lib.types.strMatching "(x86_64|arm)-abi";
    default = if arch == "aarch64" then "arm-abi" else "x86_64-abi";
    description = "Layout of requests, by the name that the backend has for it.";
  };
}
