# A room asked for by name does not run on the platform.
{
  platform = "rack";
  arch = "m68k";
  unikernel = {
    platforms = [
      "board"
      "rack"
    ];
    libs.stepper.enable = true;
  };
  problems = [
    "room `stepper` does not run on platform `rack`, only on `board`, and is in the image: enabled by `libs.stepper.enable` (nixos-tests/eval/wrong-platform.nix:10); choose another room, or take `rack` out of `platforms` (nixos-tests/eval/wrong-platform.nix:6)"
  ];
}
