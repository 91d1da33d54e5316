{ lib, mkRoom, ... }:
mkRoom ./. {
  summary = "network cards of Xen";
  platforms = [ "xen" ];
  needs = [
    "clock"
    "event-channels"
    "grant-table"
    "scheduler"
    "xenstore"
  ];
  provides = [ "net-device" ];
  after = [ "log" ];
  devices = [ "network" ];
  options = {
    receiveBuffers = lib.mkOption {
      type = lib.types.ints.between 1 256;
      default = 64;
      description = "Pages of 4 KiB that wait for frames; each takes one frame, or 4096 bytes of a longer one.";
    };
    transmitBuffers = lib.mkOption {
      type = lib.types.ints.between 1 256;
      default = 64;
      description = "Buffers of 2 KiB for frames to be sent; each takes one frame, or 2048 bytes of a longer one.";
    };
    largeReceive = lib.mkOption {
      type = lib.types.bool;
      default = true;
      description = "Whether the backend may deliver TCP segments of up to 64 KiB whole; not done with less than 18 receive buffers.";
    };
    required = lib.mkOption {
      type = lib.types.bool;
      default = true;
      description = "Whether the image ends where the domain has no network interface, or its backend does not connect in time. Otherwise the card is there, with its cable unplugged until a backend comes.";
    };
    timeoutS = lib.mkOption {
      type = lib.types.ints.between 1 3600;
      default = 10;
      description = "Seconds that the backend may take to connect when the image starts.";
    };
  };
}
