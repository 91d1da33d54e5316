# Source without a package of cargo, and options that its builder does not take.
{
  platform = "kvm";
  arch = "x86_64";
  modules = [
    (
      { builders, ... }:
      {
        app.name = "greeter";
        app.source = {
          src = ./fixtures/no-crate;
          build = builders.cargo { lockFile = "Cargo.lock"; };
          libraries = [
            {
              name = "words";
              src = ./fixtures/cargo;
              build = builders.cargo { };
            }
          ];
        };
      }
    )
  ];
  problems = [
    "library `words` (nixos-tests/eval/program-in-rust-elsewhere.nix:13) is built by `builders.cargo`, which makes programs alone: take `make` or `configure`"
    "`lockFile` of `builders.cargo` is \"Cargo.lock\", and must be a path (nixos-tests/eval/program-in-rust-elsewhere.nix:12)"
    "the program has no Cargo.toml in its source (nixos-tests/eval/program-in-rust-elsewhere.nix:11): name the directory of its package or workspace"
  ];
}
