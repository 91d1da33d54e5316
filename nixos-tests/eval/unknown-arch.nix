# An architecture that the pool does not have.
{
  arch = "m86k";
  unikernel.arches = [ "m86k" ];
  problems = [
    "architecture `m86k` (nixos-tests/eval/unknown-arch.nix:4) is not in the pool: did you mean `m68k`?"
  ];
}
