# A platform's default that the user keeps out makes room for the interface's.
{ bindings, ... }:
{
  unikernel = {
    app.needs = [ "radio" ];
    libs.radio-short.enable = false;
  };
  show = bindings;
  shown = [
    "z80"
    "board"
    "radio-long"
    "app radio=radio-long"
  ];
}
