# The program learns of it, the console tells, and the network goes on.
{
  console = [
    "out of memory: the program asked for 64 KiB"
    "mmap: Out of memory, forgotten 0"
  ];
  absent = [ "panic" ];
  exchanges = [
    {
      service = "full";
      send = "?";
      receive = "full\n";
      connections = 6;
    }
  ];
  stop = true;
  lastWords = [ "again: as much" ];
  timeoutSeconds = 60;
}
