# What is served lies on a disk.
{
  imports = [ ../../../examples/httpd/unikernel.nix ];
  choose.filesystem = "ext4";
}
