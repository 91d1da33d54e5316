{ mkRoom, ... }:
mkRoom ./. {
  summary = "random bytes of the processor";
  arches = [ "x86_64" ];
  provides = [ "entropy" ];
}
