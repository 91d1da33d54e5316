# A room with an option that has no value, and one of a type that Rust has no field for.
{
  unikernel.libs.meter.enable = true;
  problems = [
    "room `meter`: option `table` has a type that no field of `Config` can have: take int, bool, str, enum, path, package, listOf or nullOr of these"
    "`libs.meter.volts` has no value and no default (nixos-tests/eval/fixtures/pool/crates/meter/module.nix:4): set it"
  ];
}
