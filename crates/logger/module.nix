{ lib, mkRoom, ... }:
mkRoom ./. {
  summary = "messages of the rooms on the console";
  needs = [
    "clock"
    "console"
    "platform"
  ];
  provides = [ "log" ];
  options.level = lib.mkOption {
    type = lib.types.enum [
      "off"
      "error"
      "warn"
      "info"
      "debug"
      "trace"
    ];
    default = "info";
    description = "The least important messages that are written; `log=debug` on the command line overrides it.";
  };
}
