# How settings of every type come out, and where they were defined.
{ lib, ... }:
{
  unikernel = {
    app.settings = {
      name = "app";
      limits = [
        1
        2
      ];
      nothing = null;
    };
    libs.dial = {
      enable = true;
      marks = lib.mkForce 60;
      hand = "long";
      label = "noon";
      stops = [ 3 ];
    };
  };
  # "type = value, places"
  show =
    composition:
    let
      shown =
        setting: "${setting.type} = ${builtins.toJSON setting.value}, ${toString setting.definedIn}";
      # A file's place in the store is its content's, and no case's.
      settingsOf = node: removeAttrs node.settings [ "face" ];
    in
    lib.concatMap (node: lib.mapAttrsToList (_: shown) (settingsOf node)) composition.nodes;
  shown = [
    "int = 4, "
    "enum = \"long\", nixos-tests/eval/settings.nix:16"
    "nullable str = \"noon\", nixos-tests/eval/settings.nix:17"
    "bool = false, "
    "int = 60, nixos-tests/eval/settings.nix:15"
    "list of int = [3], nixos-tests/eval/settings.nix:18"
    "int = 40, "
    "list of int = [1,2], nixos-tests/eval/settings.nix:7"
    "str = \"app\", nixos-tests/eval/settings.nix:6"
    "nullable str = null, nixos-tests/eval/settings.nix:11"
  ];
}
