{ lib, mkRoom, ... }:
mkRoom ./. {
  summary = "network cards of virtio";
  needs = [
    "allocator"
    "virtio-bus"
  ];
  provides = [ "net-device" ];
  after = [ "log" ];
  devices = [ "network" ];
  options.queueSize = lib.mkOption {
    type = lib.types.enum [
      64
      128
      256
    ];
    default = 128;
    description = "Slots of the receive and of the transmit virtqueue, each with a buffer of its own.";
  };
  options.receiveBufferSize = lib.mkOption {
    type = lib.types.ints.between 1526 9216;
    default = 1536;
    description = "Bytes of a receive buffer. A frame takes 26 more than its packet: 1526 for a packet of 1500 bytes, 9026 for one of 9000.";
  };
  constants = [ "queueSize" ];
}
