{ lib, mkRoom, ... }:
mkRoom ./. {
  summary = "a file of the host as a disk";
  platforms = [ "linux" ];
  needs = [ "platform" ];
  provides = [ "block-device" ];
  after = [ "log" ];
  devices = [ "disk" ];
  options.blockSize = lib.mkOption {
    type = lib.types.enum [
      512
      1024
      2048
      4096
    ];
    default = 512;
    description = "Bytes of a block.";
  };
}
