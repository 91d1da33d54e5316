{
  console = [ "a file of 409600 bytes, " ];
  absent = [ "panic" ];
}
