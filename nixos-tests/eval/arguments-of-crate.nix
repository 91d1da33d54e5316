# Arguments and an environment, which an application in Rust does not have.
{
  unikernel.app = {
    arguments = [ "loud" ];
    environment.VOICE = "low";
  };
  problems = [
    "`app.arguments` (nixos-tests/eval/arguments-of-crate.nix:4) is for a program from source (`app.source`): take it out, or use `app.settings`"
    "`app.environment` (nixos-tests/eval/arguments-of-crate.nix:5) is for a program from source (`app.source`): take it out, or use `app.settings`"
  ];
}
