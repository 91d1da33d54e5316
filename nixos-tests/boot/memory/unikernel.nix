# The image of the example in little memory.
{ lib, ... }:
{
  imports = [ ../../../examples/httpd/unikernel.nix ];
  platforms = lib.mkForce [ "kvm" ];
}
