{ mkRoom, ... }:
mkRoom ./. {
  summary = "a read-only ext4 file system on a disk";
  needs = [
    "block-device"
    "scheduler"
  ];
  provides = [ "filesystem" ];
  after = [ "log" ];
}
