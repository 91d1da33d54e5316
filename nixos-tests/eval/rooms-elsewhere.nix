# Rooms from outside of the pool: a directory of rooms and a room's own directory, in nested lists.
{ bindings, ... }:
{
  rooms = [
    ./fixtures/elsewhere
    [ ./fixtures/gong ]
  ];
  unikernel = {
    app.needs = [ "bell" ];
    choose.bell = "gong";
  };
  show = bindings;
  shown = [
    "z80"
    "board"
    "gong"
    "app bell=gong"
  ];
}
