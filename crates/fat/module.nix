{ lib, mkRoom, ... }:
mkRoom ./. {
  summary = "a writable FAT file system on a disk";
  needs = [
    "block-device"
    "clock"
    "scheduler"
  ];
  provides = [
    "filesystem"
    "mount"
  ];
  after = [ "log" ];
  options.at = lib.mkOption {
    type = lib.types.nullOr lib.types.str;
    default = null;
    description = "Path at which the tree of another root shows it; null: it is the root, or shown nowhere.";
  };
}
