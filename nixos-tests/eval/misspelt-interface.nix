# The application needs, and the user chooses for, interfaces that are not there.
{
  unikernel = {
    app.needs = [ "raido" ];
    choose.lampe = "lamp-red";
  };
  problems = [
    "`choose.lampe` (nixos-tests/eval/misspelt-interface.nix:5) is not an interface: did you mean `lamp`?"
    "application `app` needs interface `raido` (nixos-tests/eval/misspelt-interface.nix:4), which no room declares: did you mean `radio`?"
  ];
}
