# A value that its type does not admit.
{
  unikernel.libs.board.clockMHz = 400;
  problems = [
    "`libs.board.clockMHz` is 400 (nixos-tests/eval/out-of-range.nix:3), but its type is integer between 1 and 20 (both inclusive): set it to such a value, or leave it out for the default 4"
  ];
}
