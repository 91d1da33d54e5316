# A platform whose module gives attributes of other types than they are.
{
  rooms = [ ./fixtures/kiosk ];
  platform = "kiosk";
  unikernel = { };
  problems = [
    "room `kiosk`: `platform.config` (nixos-tests/eval/fixtures/kiosk/module.nix:6) must be a string"
    "room `kiosk`: `platform.memoryMiB` (nixos-tests/eval/fixtures/kiosk/module.nix:7) must be a number of MiB above 0"
    "room `kiosk`: `platform.testHost` (nixos-tests/eval/fixtures/kiosk/module.nix:8) must be the path of a directory with a default.nix"
    "room `kiosk`: `platform.variants` (nixos-tests/eval/fixtures/kiosk/module.nix:9) must be an attribute set of environments: attribute sets of strings"
  ];
}
