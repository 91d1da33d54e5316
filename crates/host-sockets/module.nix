{ lib, mkRoom, ... }:
mkRoom ./. {
  summary = "the host's own sockets";
  platforms = [ "linux" ];
  needs = [
    "clock"
    "events"
    "platform"
    "scheduler"
  ];
  provides = [ "net-stack" ];
  options.resolveTimeoutMs = lib.mkOption {
    type = lib.types.ints.between 1 60000;
    default = 2000;
    description = "How long a name server may take to answer before it is asked again or the next one is, in milliseconds.";
  };
}
