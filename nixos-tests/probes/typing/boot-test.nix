{
  console = [
    "say something"
    "you said: a line, \"quoted\""
  ];
  input = "a line, \"quoted\"\n";
}
