[
  {
    name = "as it is";
    console = [
      "Hello, world!"
      "/nowhere: errno 2, No such file or directory"
      "half of 3 is 1.5"
    ];
    exitStatus = 0;
  }
  {
    name = "with an argument";
    arguments = [ "moon" ];
    console = [
      "Hello, world!"
      "Hello, moon!"
    ];
  }
]
