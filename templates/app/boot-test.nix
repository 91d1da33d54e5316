# It greets whom its settings name, and ends well.
{
  console = [ "Hello, world!" ];
  exitStatus = 0;
}
