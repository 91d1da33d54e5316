{ mkRoom, ... }:
mkRoom ./. {
  summary = "random bytes of the host, by virtio";
  needs = [
    "clock"
    "events"
    "virtio-bus"
  ];
  provides = [ "entropy" ];
  devices = [ "entropy" ];
}
