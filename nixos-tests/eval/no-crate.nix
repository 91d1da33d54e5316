# The application's directory holds no crate.
{
  unikernel.app.crate = ./fixtures/no-crate;
  problems = [
    "the application has no entry: `app.crate` (nixos-tests/eval/no-crate.nix:3) is nixos-tests/eval/fixtures/no-crate, which has no Cargo.toml: add one, or name another directory"
  ];
}
