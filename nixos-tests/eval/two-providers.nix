# Two rooms could provide it, and nothing says which.
{
  unikernel.app.needs = [ "lamp" ];
  problems = [
    "application `app` needs interface `lamp` (nixos-tests/eval/two-providers.nix:3), which takes one provider, and `lamp-blue`, `lamp-dimmer`, `lamp-red` provide it: set `choose.lamp = \"lamp-blue\"`, or set `choose.lamp = \"lamp-dimmer\"`, or set `choose.lamp = \"lamp-red\"`"
  ];
}
