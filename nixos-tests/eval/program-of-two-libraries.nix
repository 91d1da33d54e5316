# Two rooms that have a C library.
{
  platform = "kvm";
  arch = "x86_64";
  rooms = [ ./fixtures/libc ];
  modules = [
    (
      { builders, ... }:
      {
        app.name = "greeter";
        app.source = {
          src = ./fixtures/app;
          build = builders.files { };
        };
      }
    )
  ];
  problems = [
    "`libc-other`, `musl` have a C library, and a program from source (nixos-tests/eval/program-of-two-libraries.nix:12) has one: take the others out of `rooms`"
  ];
}
