# The only provider is kept out by the user.
{
  unikernel = {
    app.needs = [ "motor" ];
    libs.stepper.enable = false;
  };
  problems = [
    "application `app` needs interface `motor` (nixos-tests/eval/missing-provider-anywhere.nix:4), and nothing provides it on board-z80: build for `m68k`, where `servo` provides it, or drop `libs.stepper.enable = false` (nixos-tests/eval/missing-provider-anywhere.nix:5) for `stepper`, or add a room that provides it"
  ];
}
