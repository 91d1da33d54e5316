# An empty choice is a choice: nobody, though somebody is there.
{ bindings, ... }:
{
  unikernel = {
    app.needs = [ "thermometer" ];
    libs.mercury.enable = true;
    choose.thermometer = [ ];
  };
  show = bindings;
  shown = [
    "z80"
    "board"
    "mercury"
    "app thermometer="
  ];
}
