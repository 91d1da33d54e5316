# A cycle of needs and one of `after`.
{
  unikernel = {
    app.needs = [ "hen" ];
    libs.yin.enable = true;
    libs.yang.enable = true;
  };
  problems = [
    "dependency cycle: `yang` starts after `yin` (nixos-tests/eval/fixtures/pool/crates/yang/module.nix:4), `yin` starts after `yang` (nixos-tests/eval/fixtures/pool/crates/yin/module.nix:4): choose another provider for one of these, or take one out"
    "dependency cycle: `hen-house` needs `egg` of `nest` (nixos-tests/eval/fixtures/pool/crates/hen-house/module.nix:4), `nest` needs `hen` of `hen-house` (nixos-tests/eval/fixtures/pool/crates/nest/module.nix:4): choose another provider for one of these, or take one out"
  ];
}
