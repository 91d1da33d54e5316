# The real pool: PCI is kept out of user-space Linux, and so is what needs it.
{
  platform = "linux";
  arch = "x86_64";
  unikernel.app.needs = [ "pci" ];
  problems = [
    "application `app` needs interface `pci` (nixos-tests/eval/real-missing-provider.nix:5), and nothing provides it on linux-x86_64: build for `kvm`, or add a room that provides it"
  ];
}
