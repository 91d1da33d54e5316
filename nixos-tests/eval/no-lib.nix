# The application's crate has nothing for the glue to call.
{
  unikernel.app.crate = ./fixtures/no-lib;
  problems = [
    "the application has no entry: `app.crate` (nixos-tests/eval/no-lib.nix:3) is nixos-tests/eval/fixtures/no-lib, which has no src/lib.rs: add one with `pub fn main`"
  ];
}
