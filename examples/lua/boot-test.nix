[
  {
    name = "counts words";
    console = [
      "/text: 58 words, 28 of them different, counted by Lua 5.4"
      "1. the   11 times, 19.0 %"
      "2. and    4 times,  6.9 %"
      "3. is     4 times,  6.9 %"
    ];
    absent = [ "4. " ];
  }
  {
    name = "has arguments";
    arguments = [
      "/text"
      "4"
    ];
    console = [ "4. it     4 times,  6.9 %" ];
  }
  {
    name = "tells of errors";
    arguments = [ "/nowhere" ];
    console = [
      "lua: /words.lua:15: /nowhere: No such file or directory"
      "stack traceback:"
    ];
    exitStatus = 1;
  }
]
