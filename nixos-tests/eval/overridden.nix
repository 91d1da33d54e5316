# Of definitions that were overridden, neither value nor place is left.
{ lib, ... }:
{
  unikernel = {
    imports = [ ./fixtures/modules/slow.nix ];
    libs.board.clockMHz = 8;
    libs.dial.enable = true;
  };
  show =
    composition:
    let
      settings = lib.foldl' (all: node: all // node.settings) { } composition.nodes;
      shown = setting: "${toString setting.value}, ${toString setting.definedIn}";
    in
    {
      clockMHz = shown settings.clockMHz;
      marks = shown settings.marks;
    };
  shown = {
    clockMHz = "8, nixos-tests/eval/overridden.nix:6";
    marks = "4, nixos-tests/eval/fixtures/modules/slow.nix:5";
  };
}
