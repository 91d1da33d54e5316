# A package of cargo whose lock nobody has written.
{
  platform = "kvm";
  arch = "x86_64";
  modules = [
    (
      { builders, ... }:
      {
        app.name = "greeter";
        app.source = {
          src = ./fixtures/app;
          build = builders.cargo { };
        };
      }
    )
  ];
  problems = [
    "the program has no Cargo.lock in its source (nixos-tests/eval/program-in-rust-without-lock.nix:11): `cargo generate-lockfile` writes it (and git has to know the file)"
  ];
}
