{ lib, mkRoom, ... }:
mkRoom ./. {
  summary = "virtual machines of KVM and QEMU";
  arches = [ "x86_64" ];
  needs = [
    "allocator"
    "arch"
  ];
  provides = [
    "address-space"
    "clock"
    "console"
    "dma"
    "events"
    "memory"
    "pci"
    "platform"
    "shutdown"
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
    memoryMiB = 64;
    entryProtocols = [
      "pvh"
      "multiboot1"
    ];
    defaults = {
      block-device = "virtio-blk";
      entropy = "rdrand";
      filesystem = "rootfs";
      net-device = "virtio-net";
      net-stack = "tcpip";
      scheduler = "sched-coop";
      virtio-bus = "virtio";
    };
  };
}
