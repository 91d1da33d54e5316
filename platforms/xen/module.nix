{ lib, mkRoom, ... }:
mkRoom ./. {
  summary = "domains of the Xen hypervisor";
  arches = [ "x86_64" ];
  needs = [
    "allocator"
    "arch"
  ];
  provides = [
    "address-space"
    "clock"
    "console"
    "event-channels"
    "events"
    "hypervisor"
    "memory"
    "platform"
    "thread-pointer"
  ];
  options.bootStackKiB = lib.mkOption {
    type = lib.types.ints.between 16 65536;
    default = 32;
    description = "Stack that rooms are started on, and the application's `main`, in KiB; a guard page lies below.";
  };
  platform = {
    linkerScripts.x86_64 = ./x86_64.ld;
    run = ./run.sh;
    config = "xl.cfg";
    memoryMiB = 32;
    testHost = ./test-host;
    variants = {
      pvh.UNICORE_XEN_TYPE = "pvh";
      pv.UNICORE_XEN_TYPE = "pv";
    };
    entryProtocols = [
      "pvh"
      "pv"
    ];
    defaults = {
      block-device = "blkfront";
      entropy = "rdrand";
      filesystem = "rootfs";
      net-device = "netfront";
      net-stack = "tcpip";
      scheduler = "sched-coop";
      shutdown = "xenstore";
    };
  };
}
