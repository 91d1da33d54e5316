# What the program does on Linux is what it has to do in the image.
{ native, made, ... }:
let
  # A thread that panics ends the program, with the report of the image after the program's own.
  panic = name: thread: {
    inherit name;
    arguments = [ name ];
    console = [
      "thread '${thread}'"
      "this was on purpose"
    ];
    absent = [ "went on after a panic" ];
    exitStatus = 134;
  };
in
[
  {
    name = "what it does on Linux";
    arguments = [ "all" "two words" ];
    transcript = made ''
      mkdir tmp
      TMPDIR=$PWD/tmp GREETING="good day" ${native}/bin/rust-std all "two words" > $out
    '';
    exitStatus = 0;
  }
  (panic "panic" "main")
  (panic "panic-in-thread" "doomed")
  {
    name = "exit";
    arguments = [ "exit" ];
    console = [ "exit: 42" ];
    exitStatus = 42;
  }
  {
    name = "error";
    arguments = [ "error" ];
    console = [ "Error: Os { code: 2, kind: NotFound" ];
    exitStatus = 1;
  }
]
