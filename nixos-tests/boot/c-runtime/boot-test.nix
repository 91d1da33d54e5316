{ platform, ... }:
let
  case = name: said: {
    inherit name;
    arguments = [ name ];
    console = [ said ];
    absent = [ "panic" ];
  };
  fault = name: said: function: {
    inherit name;
    arguments = [ name ];
    console = [
      said
      "backtrace:"
    ];
    backtrace = [ function ];
    exitStatus = 134;
  };
  # Xen ends a domain of type pv that has no stack left to be told of it on; the test host tells then, in these words too.
  overflow = "stack overflow";
  access = if platform == "linux" then "invalid memory access at address" else "page fault";
in
[
  (case "begin" ''constructors abc, EMPTY "", TWO "two words", pages of 4096, random bytes'')
  (case "locals" "thread-locals: 1 of main, 1 of another thread, 1 after it")
  (case "rounding" "rounding: steady 1 and 1, apart 1 and 1")
  (case "sections" "sections: odd 9, then 49, even 6")
  (case "end" "end: atexit 2, atexit 1, destructor" // { exitStatus = 7; })
  (case "deep" "went down 200 levels")
  (fault "overflow" overflow "descend at ")
  (fault "large-frame" overflow "in_one_step at ")
  (fault "write-constant" access "write_constant at ")
  (fault "execute-data" access "execute_data at ")
  {
    name = "absent-call";
    arguments = [ "absent-call" ];
    console = [
      "the program made system call 167 (swapon), which is not there"
      "swapon: -1, Function not implemented"
    ];
  }
  {
    name = "no case";
    console = [ ''there is no case ""'' ];
    exitStatus = 2;
  }
]
