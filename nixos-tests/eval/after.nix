# Started after a room by its name, and after whoever provides an interface; nothing is passed.
{ bindings, ... }:
{
  unikernel = {
    app.after = [ "scribe" ];
    libs = {
      scribe.enable = true;
      town-crier.enable = true;
      lamp-red.enable = true;
    };
  };
  show = bindings;
  shown = [
    "z80"
    "board"
    "lamp-red"
    "town-crier"
    "scribe"
    "app"
  ];
}
