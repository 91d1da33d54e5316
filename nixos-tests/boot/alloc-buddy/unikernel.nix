# Another allocator is one line.
{
  imports = [ ../../../examples/httpd/unikernel.nix ];
  choose.allocator = "alloc-buddy";
}
