# The image of the example on other machines of QEMU.
{ lib, ... }:
{
  imports = [ ../../../examples/httpd/unikernel.nix ];
  platforms = lib.mkForce [ "kvm" ];
}
