{ lib, mkRoom, ... }:
mkRoom ./. {
  summary = "disks of virtio";
  needs = [
    "events"
    "scheduler"
    "virtio-bus"
  ];
  provides = [ "block-device" ];
  after = [ "log" ];
  devices = [ "disk" ];
  options.queueSize = lib.mkOption {
    type = lib.types.enum [
      4
      16
      32
      64
      128
    ];
    default = 32;
    description = "Slots of the virtqueue; a request under way takes four.";
  };
  options.requestKiB = lib.mkOption {
    type = lib.types.ints.between 4 1024;
    default = 64;
    description = "Most data of a request, in KiB. Each that can be under way has as much memory of its own.";
  };
  constants = [ "queueSize" ];
}
