# A room chosen for an interface does not run on the architecture.
{
  unikernel = {
    app.needs = [ "motor" ];
    arches = [ "z80" ];
    choose.motor = "servo";
  };
  problems = [
    "room `servo` does not run on architecture `z80`, only on `m68k`, and is in the image: chosen for `motor` (nixos-tests/eval/wrong-arch.nix:6), which app needs; choose another room, or take `z80` out of `arches` (nixos-tests/eval/wrong-arch.nix:5)"
  ];
}
