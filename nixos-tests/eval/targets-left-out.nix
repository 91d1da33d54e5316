# Without `arches`, the ones that each platform supports; modules see no platform while the list is made.
{
  modules = [
    (
      { lib, platform, ... }:
      {
        app.crate = ./fixtures/app;
        platforms = [
          "board"
          "rack"
        ];
        libs.mercury.enable = lib.mkIf (platform == "board") true;
      }
    )
  ];
  targets = [
    "board-z80"
    "rack-m68k"
    "rack-z80"
  ];
  show = composition: map (node: node.room) composition.nodes;
  shown = [
    "z80"
    "board"
    "mercury"
    "app"
  ];
}
