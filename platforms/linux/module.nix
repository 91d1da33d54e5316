{ lib, mkRoom, ... }:
mkRoom ./. {
  summary = "a static process of user-space Linux";
  arches = [ "x86_64" ];
  needs = [ "allocator" ];
  provides = [
    "address-space"
    "clock"
    "console"
    "entropy"
    "events"
    "memory"
    "platform"
    "shutdown"
    "thread-pointer"
  ];
  options.heapMiB = lib.mkOption {
    type = lib.types.ints.between 1 1048576;
    default = 1024;
    description = "Address space for the heap, in MiB. Pages that are never touched cost nothing.";
  };
  platform = {
    target = {
      os = "linux";
      target-family = [ "unix" ];
    };
    linkerScripts.x86_64 = ./x86_64.ld;
    run = ./run.sh;
    entryProtocols = [ "process" ];
    defaults = {
      block-device = "file-disk";
      filesystem = "rootfs";
      net-device = "tap";
      net-stack = "host-sockets";
      scheduler = "sched-coop";
    };
  };
}
