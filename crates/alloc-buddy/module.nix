{ mkRoom, ... }:
mkRoom ./. {
  summary = "memory in blocks of powers of two";
  provides = [ "allocator" ];
}
