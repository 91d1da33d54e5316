{ made, ... }:
let
  disk = writable: [
    {
      file = made "sh ${../../fixtures/empty-fat} $out";
      inherit writable;
    }
  ];
in
[
  {
    disks = disk true;
    console = [
      "ok"
      "5000|150110|5000"
      "22|1617"
      "34|1617"
      "23|1616"
      "ok"
    ];
    absent = [ "rror" ];
  }
  {
    name = "a disk that cannot be written";
    disks = disk false;
    console = [ "rror" ];
    exitStatus = 1;
  }
]
