{ mkRoom, ... }:
mkRoom ./. {
  summary = "virtio devices on PCI and in register windows";
  needs = [
    "dma"
    "pci"
    "platform"
  ];
  provides = [ "virtio-bus" ];
}
