# The user before the platform, the platform before the interface.
{
  unikernel = {
    app.needs = [
      "clock-tick"
      "lamp"
      "radio"
    ];
    choose.lamp = "lamp-blue";
    libs.radio-long.enable = true;
  };
  show = composition: map (node: "${node.room}: ${node.why}") composition.nodes;
  shown = [
    "z80: the architecture of the image"
    "board: the platform of the image"
    "radio-long: enabled by `libs.radio-long.enable` (nixos-tests/eval/order-of-choice.nix:10)"
    "lamp-blue: chosen for `lamp` (nixos-tests/eval/order-of-choice.nix:9), which app needs"
    "app: the application"
  ];
}
