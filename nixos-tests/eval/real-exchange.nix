# The real pool: another allocator is one line.
{
  platform = "kvm";
  arch = "x86_64";
  unikernel = {
    app.needs = [ "console" ];
    choose.allocator = "alloc-buddy";
  };
  show = composition: map (node: "${node.room}: ${node.why}") composition.nodes;
  shown = [
    "x86_64: the architecture of the image"
    "alloc-buddy: chosen for `allocator` (nixos-tests/eval/real-exchange.nix:7), which kvm needs"
    "kvm: the platform of the image"
    "app: the application"
  ];
}
