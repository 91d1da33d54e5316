{ lib, mkRoom, ... }:
mkRoom ./. {
  summary = "the store of a Xen host";
  platforms = [ "xen" ];
  needs = [
    "event-channels"
    "events"
    "hypervisor"
    "scheduler"
  ];
  provides = [ "xenstore" ];
  after = [ "log" ];
  options.answerShutdown = lib.mkOption {
    type = lib.types.bool;
    default = true;
    description = "Whether the domain ends when its host asks it to, by `xl shutdown` or `xl reboot`.";
  };
}
