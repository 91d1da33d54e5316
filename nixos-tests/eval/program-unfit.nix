# A program from source that lacks what one has, and has what is for a crate.
{ app, ... }:
{
  platform = "kvm";
  arch = "x86_64";
  modules = [
    (
      { builders, ... }:
      {
        app.source.build = builders.make { };
        app.crate = app;
        app.needs = [ "clock" ];
        app.settings.volume = 3;
      }
    )
  ];
  problems = [
    "the program (nixos-tests/eval/program-unfit.nix:10) has no name: set `app.name`"
    "the program (nixos-tests/eval/program-unfit.nix:10) has no source: set `app.source.src`"
    "the program has no file: give the builder (nixos-tests/eval/program-unfit.nix:10) `program`, where the build puts it"
    "`app.crate` (nixos-tests/eval/program-unfit.nix:11) is not for a program from source, which has its own `main`: take it out"
    "`app.needs` (nixos-tests/eval/program-unfit.nix:12) is not for a program from source, which needs what its C library does: take it out"
    "`app.settings` (nixos-tests/eval/program-unfit.nix:13) is not for a program from source, which has `app.arguments` and `app.environment`: take it out"
  ];
}
