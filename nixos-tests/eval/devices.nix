# What the rooms of an image want of the machine, each kind once.
{
  unikernel.libs = {
    aerial.enable = true;
    antenna.enable = true;
  };
  show = composition: composition.devices;
  shown = [
    "disk"
    "network"
  ];
}
