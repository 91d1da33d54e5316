# The root image comes with the image when it starts.
{ lib, ... }:
{
  imports = [ ../../../examples/httpd/unikernel.nix ];
  libs.rootfs.tree = lib.mkForce null;
}
