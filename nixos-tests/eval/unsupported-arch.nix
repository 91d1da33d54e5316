# A platform that does not run on the architecture.
{
  arch = "m68k";
  unikernel.arches = [ "m68k" ];
  problems = [
    "platform `board` does not support architecture `m68k` (nixos-tests/eval/unsupported-arch.nix:4), only `z80` (nixos-tests/eval/fixtures/pool/platforms/board/module.nix:4): take `m68k` out of `arches`, or take `board` out of `platforms`"
  ];
}
