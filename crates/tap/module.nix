{ lib, mkRoom, ... }:
mkRoom ./. {
  summary = "a TAP interface of the host as a network card";
  platforms = [ "linux" ];
  needs = [ "platform" ];
  provides = [ "net-device" ];
  after = [ "log" ];
  devices = [ "network" ];
  options = {
    interface = lib.mkOption {
      type = lib.types.str;
      default = "tap0";
      description = "Name of the interface; the setting `tap=` on the command line has another one.";
    };
    frames = lib.mkOption {
      type = lib.types.ints.between 1 4096;
      default = 64;
      description = "Received frames that the image holds at once; each takes the interface's MTU and 14 bytes.";
    };
  };
}
