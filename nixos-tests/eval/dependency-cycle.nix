# Two rooms that need each other.
{
  unikernel.app.needs = [ "hen" ];
  problems = [
    "dependency cycle: `hen-house` needs `egg` of `nest` (nixos-tests/eval/fixtures/pool/crates/hen-house/module.nix:4), `nest` needs `hen` of `hen-house` (nixos-tests/eval/fixtures/pool/crates/nest/module.nix:4): choose another provider for one of these, or take one out"
  ];
}
