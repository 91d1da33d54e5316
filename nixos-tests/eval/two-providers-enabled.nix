# The user enabled two providers of what takes one.
{
  unikernel = {
    app.needs = [ "lamp" ];
    libs.lamp-red.enable = true;
    libs.lamp-blue.enable = true;
  };
  problems = [
    "application `app` needs interface `lamp` (nixos-tests/eval/two-providers-enabled.nix:4), which takes one provider, and `lamp-blue`, `lamp-red` provide it: set `choose.lamp = \"lamp-blue\"`, or set `choose.lamp = \"lamp-red\"`"
  ];
}
