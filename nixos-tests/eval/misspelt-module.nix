# A room whose own module has slips of the pen.
{
  unikernel.libs.misspelt.enable = true;
  problems = [
    "room `misspelt` provides interface `lampp` (nixos-tests/eval/fixtures/pool/crates/misspelt/module.nix:4), which no room declares: did you mean `lamp`?"
    "room `misspelt` has `candel` in `after` (nixos-tests/eval/fixtures/pool/crates/misspelt/module.nix:6), which is not a room or an interface: did you mean `candle`?"
    "room `misspelt`: `afterr` (nixos-tests/eval/fixtures/pool/crates/misspelt/module.nix:5) is not an attribute of a room: did you mean `after`?"
  ];
}
