{ lib, mkRoom, ... }:
mkRoom ./. {
  summary = "memory that a Xen domain shares with others";
  needs = [ "hypervisor" ];
  provides = [ "grant-table" ];
  options.frames = lib.mkOption {
    type = lib.types.ints.between 1 64;
    default = 4;
    description = "Frames of the grant table. Each has 512 entries, one for each page that is shared at a time; 8 of the first are reserved.";
  };
}
