# Builders that are given what they do not take.
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
          build = builders.files {
            flag = [ "-pthread" ];
            cflags = [ "-D WORDS" ];
            sources = "greeter.c";
          };
          libraries = [
            {
              name = "words";
              src = ./fixtures/app;
              build = builders.files { };
            }
          ];
        };
      }
    )
  ];
  problems = [
    "library `words` (nixos-tests/eval/program-of-bad-builders.nix:17) is built by `builders.files`, which makes programs alone: take `make` or `configure`"
    "`cflags` of `builders.files` is [ \"-D WORDS\" ], and must be a list of strings without blanks (nixos-tests/eval/program-of-bad-builders.nix:12)"
    "`builders.files` has no `flag`: did you mean `flags`? (nixos-tests/eval/program-of-bad-builders.nix:12)"
    "`sources` of `builders.files` is \"greeter.c\", and must be a list of strings (nixos-tests/eval/program-of-bad-builders.nix:12)"
  ];
}
