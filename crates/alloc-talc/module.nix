{ mkRoom, ... }:
mkRoom ./. {
  summary = "memory in chunks of any size, freed in constant time";
  provides = [ "allocator" ];
}
