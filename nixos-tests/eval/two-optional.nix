# At most one may provide an optional interface.
{
  unikernel = {
    libs.gauge.enable = true;
    libs.mercury.enable = true;
    libs.bimetal.enable = true;
  };
  problems = [
    "room `gauge` needs interface `thermometer` (nixos-tests/eval/fixtures/pool/crates/gauge/module.nix:4), which takes one provider, and `bimetal`, `mercury` provide it: set `choose.thermometer = \"bimetal\"`, or set `choose.thermometer = \"mercury\"`"
  ];
}
