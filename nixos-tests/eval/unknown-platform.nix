# A platform that the pool does not have.
{
  platform = "bord";
  unikernel.platforms = [ "bord" ];
  problems = [
    "platform `bord` (nixos-tests/eval/unknown-platform.nix:4) is not in the pool: did you mean `board`?"
  ];
}
