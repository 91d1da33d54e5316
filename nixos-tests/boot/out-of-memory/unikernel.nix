# A program that takes all memory there is. On linux the machine has more.
{ builders, ... }:
{
  app = {
    name = "out-of-memory";
    source = {
      src = ./src;
      build = builders.files { };
    };
    ports.full = 7;
  };
  platforms = [
    "kvm"
    "xen"
  ];
  memoryMiB = 32;
}
