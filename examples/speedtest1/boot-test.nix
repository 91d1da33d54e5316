# Two databases, with what the same program finds in them on Linux.
let
  on = name: arguments: {
    inherit name arguments;
    console = [
      "TOTAL"
      "Verification Hash: 111130 1e792c9db61996c477b8ab5ce2d690052e8dae74824a430a"
    ];
    absent = [ "rror" ];
    timeoutSeconds = 180;
  };
  little = [ "--size" "1" "--verify" ];
in
[
  (on "a database in memory" (little ++ [ "--memdb" ]))
  (on "a database in a file" (little ++ [ "/tmp/speed.db" ]))
]
