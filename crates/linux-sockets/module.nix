{ mkRoom, ... }:
mkRoom ./. {
  summary = "sockets of Linux over a network stack";
  needs = [ "net-stack" ];
  provides = [ "sockets" ];
}
