# The user chooses a room and keeps it out.
{
  unikernel = {
    app.needs = [ "lamp" ];
    choose.lamp = "lamp-red";
    libs.lamp-red.enable = false;
  };
  problems = [
    "`choose.lamp` (nixos-tests/eval/choice-kept-out.nix:5) is `lamp-red`, which `libs.lamp-red.enable = false` (nixos-tests/eval/choice-kept-out.nix:6) keeps out: drop one of the two"
  ];
}
