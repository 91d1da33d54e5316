let
  on = machine: {
    name = machine;
    environment.UNICORE_MACHINE = machine;
    http = [
      { length = 612; }
      {
        path = "/files/1MiB.txt";
        length = 1048576;
      }
    ];
    absent = [ "panic" ];
  };
in
map on [
  "q35"
  "pc"
  "microvm"
]
