# Two rooms that exclude each other.
{
  unikernel.libs = {
    sundial.enable = true;
    candle.enable = true;
  };
  problems = [
    "room `sundial` and room `candle` exclude each other (nixos-tests/eval/fixtures/pool/crates/sundial/module.nix:4): `sundial` is enabled by `libs.sundial.enable` (nixos-tests/eval/conflict.nix:4); `candle` is enabled by `libs.candle.enable` (nixos-tests/eval/conflict.nix:5); do without one of them"
  ];
}
