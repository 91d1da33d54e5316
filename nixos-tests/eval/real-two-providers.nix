# The real pool: two allocators, and the image has one.
{
  platform = "kvm";
  arch = "x86_64";
  unikernel = {
    app.needs = [ "console" ];
    libs.alloc-buddy.enable = true;
    libs.alloc-talc.enable = true;
  };
  problems = [
    "room `kvm` needs interface `allocator` (platforms/kvm/module.nix:5), which takes one provider, and `alloc-buddy`, `alloc-talc` provide it: set `choose.allocator = \"alloc-buddy\"`, or set `choose.allocator = \"alloc-talc\"`"
  ];
}
