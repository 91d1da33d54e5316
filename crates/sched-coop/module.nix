{ lib, mkRoom, ... }:
mkRoom ./. {
  summary = "cooperative threads of one processor";
  needs = [
    "arch"
    "clock"
    "events"
    "memory"
  ];
  provides = [ "scheduler" ];
  after = [ "log" ];
  options.stackKiB = lib.mkOption {
    type = lib.types.ints.between 8 65536;
    default = 60;
    description = "Stack of each thread but the first, in KiB; with the guard page below, the default makes 64.";
  };
}
