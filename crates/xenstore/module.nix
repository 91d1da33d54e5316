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
  provides = [
    "shutdown"
    "xenstore"
  ];
  after = [ "log" ];
  options.answerShutdown = lib.mkOption {
    type = lib.types.bool;
    default = true;
    description = "Whether wishes of the host that the domain ends are heard: `xl shutdown` and `xl reboot`.";
  };
}
