# The rules hold in an image, and what a page does not allow is told with its address and ends the image.
{ platform, ... }:
let
  told =
    {
      kvm = "at address 0x7f0000000000";
      linux = "invalid memory access at address 0x7";
      xen = "at address 0x7f0000000000";
    }
    .${platform};
  fault = argument: function: {
    name = argument;
    arguments = [ argument ];
    console = [
      told
      "backtrace:"
    ];
    backtrace = [ function ];
    exitStatus = 134;
  };
  works = argument: {
    name = argument;
    arguments = [ argument ];
    absent = [ "panic" ];
  };
in
[
  {
    name = "rules";
    console = [ "all rules kept, memory ${if platform == "linux" then "plenty" else "used up"}" ];
    absent = [ "panic" ];
  }
  (works "execute")
  (works "pointer")
  (works "time")
  (fault "write-read-only" "write_read_only at ")
  (fault "read-none" "read_none at ")
  (fault "execute-data" "execute_data at ")
  {
    name = "a misspelt argument";
    arguments = [ "exekute" ];
    exitStatus = 1;
  }
]
