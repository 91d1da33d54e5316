# Rooms with a slip of the pen, and one that is nowhere near.
{
  unikernel = {
    app.needs = [ "lamp" ];
    choose.lamp = "lamp-rde";
    libs.lampblue.enable = true;
    libs.trombone.keys = 3;
  };
  problems = [
    "`libs.lampblue` (nixos-tests/eval/misspelt-room.nix:6) is not a room: did you mean `libs.lamp-blue`?"
    "`libs.trombone` (nixos-tests/eval/misspelt-room.nix:7) is not a room: add the room's directory to `rooms`, or take the line out"
    "`choose.lamp` (nixos-tests/eval/misspelt-room.nix:5) is `lamp-rde`, which is not a room: did you mean `lamp-red`?"
  ];
}
