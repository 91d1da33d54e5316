{ mkRoom, ... }:
mkRoom ./. {
  summary = "system calls of Linux, as functions";
  needs = [
    "address-space"
    "allocator"
    "arch"
    "clock"
    "entropy"
    "platform"
    "scheduler"
    "shutdown"
    "sockets"
    "thread-pointer"
    "vfs"
  ];
  provides = [ "linux-abi" ];
  after = [ "log" ];
}
