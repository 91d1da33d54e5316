{
  console = [
    "terminal 1, /dev/console"
    "tcgetattr 0"
    "say something"
    "you said: a line"
    "nobody is 65534"
    "a temporary file: kept"
    "link of nothing: No such file or directory"
    "link 0"
    "links 2"
    "again 1"
    "fd 1 is /dev/console"
    "through /dev/stdout"
    "Threads:	1"
    "Hello"
  ];
  input = "a line\n";
  exitStatus = 0;
}
