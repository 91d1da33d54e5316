# A platform that supports an architecture and has no linker script for it.
{
  platform = "shed";
  unikernel = { };
  problems = [
    "platform `shed` has no linker script for `z80` (nixos-tests/eval/fixtures/pool/platforms/shed/module.nix:9): add `platform.linkerScripts.z80`, or take `z80` out of its `arches`"
  ];
}
