# Options of a room, of the application and of the unikernel with a slip of the pen.
{
  unikernel = {
    platfroms = [ "board" ];
    app.need = [ "clock-tick" ];
    libs.board.clockMhz = 4;
    libs.dial.colour = "red";
  };
  problems = [
    "`app.need` (nixos-tests/eval/misspelt-option.nix:5) is not an option: did you mean `app.needs`?"
    "`libs.board.clockMhz` (nixos-tests/eval/misspelt-option.nix:6) is not an option: did you mean `libs.board.clockMHz`?"
    "`libs.dial.colour` (nixos-tests/eval/misspelt-option.nix:7) is not an option: there are `enable`, `face`, `hand`, `label`, `lit`, `marks`, `stops`, `widthMm`"
    "`platfroms` (nixos-tests/eval/misspelt-option.nix:4) is not an option: did you mean `platforms`?"
  ];
}
