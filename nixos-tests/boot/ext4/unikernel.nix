# What is served lies on a disk.
{ lib, ... }:
{
  imports = [ ../../../examples/httpd/unikernel.nix ];
  platforms = lib.mkForce [ "xen" ];
  choose.filesystem = "ext4";
}
