# Without a cut: what is written by one machine is read by the next, and goes on.
{ made, ... }:
let
  empty = made "sh ${../../fixtures/empty-fat} $out";
in
[
  {
    disks = [
      {
        file = empty;
        writable = true;
      }
    ];
    arguments = [
      "check"
      "write-40"
      "check"
      "write-60"
      "check"
    ];
    console = [
      "there are 0 records"
      "synchronized 40"
      "there are 40 records"
      "synchronized 60"
      "there are 60 records"
    ];
  }
  {
    name = "a disk that cannot be written";
    disks = [
      {
        file = empty;
        writable = false;
      }
    ];
    arguments = [ "write-1" ];
    console = [ "write-1: the file system is read-only" ];
    exitStatus = 1;
  }
  {
    name = "an empty disk";
    disks = [
      {
        file = made "truncate -s 1M $out";
        writable = false;
      }
    ];
    console = [ "room fat did not start: the disk holds no FAT file system" ];
    exitStatus = 134;
  }
]
