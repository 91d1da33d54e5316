# The packages that an image reaches, plain libraries among them, and the interfaces that its rooms provide.
{ lib, ... }:
{
  unikernel = {
    app.needs = [ "lamp" ];
    choose.lamp = "lamp-blue";
  };
  show = composition: lib.attrNames composition.rooms;
  shown = [
    "app"
    "board"
    "iface-clock-tick"
    "iface-lamp"
    "lamp-blue"
    "plain-library"
    "z80"
  ];
}
