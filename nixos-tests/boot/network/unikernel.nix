# The image of the example, told of its network in other ways.
{ lib, ... }:
{
  imports = [ ../../../examples/httpd/unikernel.nix ];
  platforms = lib.mkForce [ "kvm" "xen" ];
}
