# Random numbers of the host instead of the processor's.
{ lib, ... }:
{
  imports = [ ../../../examples/httpd/unikernel.nix ];
  platforms = lib.mkForce [ "kvm" ];
  choose.entropy = "virtio-rng";
}
