# What the program does on Linux is what it has to do in the image.
{ native, made, ... }:
{
  transcript = made ''
    mkdir work
    TMPDIR=$PWD/work ${native}/bin/oracle > $out
  '';
  timeoutSeconds = 180;
}
