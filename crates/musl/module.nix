{ lib, mkRoom, ... }:
mkRoom ./. {
  summary = "the C library of programs built from source";
  needs = [
    "linux-abi"
    "log"
    "memory"
    "platform"
    "scheduler"
  ];
  libc = ./libc;
  options.stackKiB = lib.mkOption {
    type = lib.types.ints.between 16 1048576;
    default = 508;
    description = "Stack that the program's `main` runs on, in KiB; with the guard page below, the default makes 512.";
  };
}
