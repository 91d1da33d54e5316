{ mkRoom, ... }:
mkRoom ./. {
  summary = "a network stack without a network";
  needs = [ "scheduler" ];
  provides = [ "net-stack" ];
}
