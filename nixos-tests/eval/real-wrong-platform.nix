# The real pool: a TAP interface is a card on user-space Linux alone.
{
  platform = "kvm";
  arch = "x86_64";
  unikernel = {
    app.needs = [ "net-device" ];
    choose.net-device = "tap";
  };
  problems = [
    "room `tap` does not run on platform `kvm`, only on `linux`, and is in the image: chosen for `net-device` (nixos-tests/eval/real-wrong-platform.nix:7), which app needs; choose another room, or take `kvm` out of `platforms`"
  ];
}
