# With 3 MiB it does not start, so that less than 1 MiB is free: what stays of a connection is less than 52 bytes, or it ends.
# 100,000 connections take some minutes: set `visits` to that, and `timeoutSeconds` to 900.
{
  memoryMiB = 4;
  load.visits = 20000;
  timeoutSeconds = 240;
  absent = [ "panic" ];
}
