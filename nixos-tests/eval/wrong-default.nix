# A platform's default that is not a room.
{
  platform = "shed";
  arch = "m68k";
  unikernel.app.needs = [ "lamp" ];
  problems = [
    "platform `shed` has `lamp-green` as its default for `lamp` (nixos-tests/eval/fixtures/pool/platforms/shed/module.nix:9), which is not a room that provides it: set `choose.lamp`, or mend `platform.defaults`"
  ];
}
