# Each fault is told with its kind, ends the image with the status of a panic, and has the function in its backtrace.
{ platform, ... }:
let
  access =
    {
      kvm = "page fault";
      linux = "invalid memory access at address";
      xen = "page fault";
    }
    .${platform};
  fault = argument: said: function: {
    name = argument;
    arguments = [ argument ];
    console = [
      said
      "backtrace:"
    ];
    backtrace = [ function ];
    exitStatus = 134;
  };
  # Xen ends a domain of type pv that has no stack left to be told of it on; the test host tells then, in these words too.
  overflow = argument: fault argument "stack overflow" "descend at ";
in
[
  (fault "panic" "as asked, with 1 argument" "panic_as_asked at ")
  (overflow "overflow")
  (overflow "overflow-thread")
  (fault "write-code" access "write_code at ")
  (fault "write-constant" access "write_constant at ")
  (fault "execute-data" access "execute_data at ")
  (fault "null" access "read_null at ")
  {
    name = "nothing asked";
    absent = [ "panic" ];
  }
  {
    name = "exit-7";
    arguments = [ "exit-7" ];
    exitStatus = 7;
  }
  {
    name = "a misspelt fault";
    arguments = [ "panik" ];
    exitStatus = 1;
  }
]
