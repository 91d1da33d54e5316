# A platform's default that does not run on the architecture asked for.
{
  platform = "rack";
  unikernel.app.needs = [ "radio" ];
  problems = [
    "room `radio-medium` does not run on architecture `z80`, only on `m68k`, and is in the image: the default of platform `rack` for `radio`, which app needs; choose another room, or take `z80` out of `arches`"
  ];
}
