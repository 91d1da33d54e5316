# Every platform named with every architecture named, also where that will be refused.
{
  unikernel = {
    platforms = [
      "board"
      "rack"
      "shelf"
    ];
    arches = [
      "m68k"
      "z80"
    ];
  };
  targets = [
    "board-m68k"
    "board-z80"
    "rack-m68k"
    "rack-z80"
    "shelf-m68k"
    "shelf-z80"
  ];
}
