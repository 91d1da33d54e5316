# A room that needs what it provides wraps another provider.
{ bindings, ... }:
{
  unikernel = {
    app.needs = [ "lamp" ];
    choose.lamp = "lamp-dimmer";
    libs.lamp-red.enable = true;
  };
  show = bindings;
  shown = [
    "z80"
    "board"
    "lamp-red"
    "lamp-dimmer lamp=lamp-red"
    "app lamp=lamp-dimmer"
  ];
}
