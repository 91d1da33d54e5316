# What SQLite 3.40 answers to the same script on Linux.
[
  {
    name = "a script";
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
    name = "an error in a statement";
    arguments = [ "SELECT missing;" ];
    console = [ "no such column: missing" ];
    exitStatus = 1;
  }
]
