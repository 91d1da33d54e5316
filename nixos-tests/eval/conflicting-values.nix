# Two modules say different things.
{ app, ... }:
{
  modules = [
    { app.crate = app; }
    { libs.board.clockMHz = 4; }
    { libs.board.clockMHz = 8; }
  ];
  problems = [
    "`libs.board.clockMHz` is defined more than once (nixos-tests/eval/conflicting-values.nix:6, nixos-tests/eval/conflicting-values.nix:7), and the definitions do not go together: keep one, or raise one with lib.mkForce"
  ];
}
