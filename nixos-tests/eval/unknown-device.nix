# A room that wants of the machine what none has: a slip of the pen, and something else.
{
  unikernel.libs.wishful.enable = true;
  problems = [
    "room `wishful`: device `netwrok` (nixos-tests/eval/fixtures/pool/crates/wishful/module.nix:4) is of no kind that a machine has: did you mean `network`?"
    "room `wishful`: device `gramophone` (nixos-tests/eval/fixtures/pool/crates/wishful/module.nix:4) is of no kind that a machine has: there are `disk`, `entropy`, `network`"
  ];
}
