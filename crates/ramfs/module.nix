{ lib, mkRoom, ... }:
mkRoom ./. {
  summary = "a writable tree in memory";
  needs = [ "clock" ];
  provides = [ "filesystem" ];
  options.maxMiB = lib.mkOption {
    type = lib.types.ints.between 1 1048576;
    default = 64;
    description = "Most memory that the tree may take, in MiB; it takes what is stored and no more.";
  };
}
