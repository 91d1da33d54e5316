# A setting that shows in the booted image.
{ lib, ... }:
{
  imports = [ ../../../examples/httpd/unikernel.nix ];
  platforms = lib.mkForce [ "kvm" ];
  libs.tcpip.tcpReceiveBufferKiB = 24;
}
