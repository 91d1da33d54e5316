# Nobody in the pool provides the interface on this architecture; one room could elsewhere.
{
  platform = "rack";
  unikernel.libs.arm.enable = true;
  problems = [
    "room `arm` needs interface `motor` (nixos-tests/eval/fixtures/pool/crates/arm/module.nix:4), and nothing provides it on rack-z80: build for `m68k`, where `servo` provides it, or build for `board`, where `stepper` provides it, or add a room that provides it, or do without `arm`"
  ];
}
