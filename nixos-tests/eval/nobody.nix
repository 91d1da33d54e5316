# Optional and many do with nobody, and bring nobody in.
{ bindings, ... }:
{
  unikernel.libs.gauge.enable = true;
  show = bindings;
  shown = [
    "z80"
    "board"
    "gauge listener= thermometer="
    "app"
  ];
}
