# A program from source: its C library stands for it, with its arguments and its environment.
{ lib, ... }:
{
  platform = "kvm";
  arch = "x86_64";
  modules = [
    (
      { builders, ... }:
      {
        app = {
          name = "greeter";
          source = {
            src = ./fixtures/app;
            build = builders.make {
              program = "bin/greeter";
              flags = [ "WORDS=good day" ];
              cflags = [ "-Os" ];
              tools = [ "tcl" ];
            };
            libraries = [
              {
                name = "words";
                src = {
                  url = "http://localhost/words.tar.gz";
                  sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
                };
                build = builders.configure { };
              }
            ];
          };
          arguments = [ "you" ];
          environment.VOICE = "low";
        };
        libs.musl.stackKiB = 64;
        libs.rootfs.tree = ./fixtures/app;
        choose.net-stack = "no-network";
      }
    )
  ];
  show =
    composition:
    let
      node = lib.last composition.nodes;
      shown = setting: "${builtins.toJSON setting.value}, ${toString setting.definedIn}";
      inherit (composition) program;
    in
    [
      composition.image
      composition.app
      "${node.room}, ${node.kind}"
    ]
    ++ lib.mapAttrsToList (name: setting: "${name} = ${shown setting}") node.settings
    ++ [
      program.source.build
      (toString program.source.cflags)
      (toString program.source.tools)
      (lib.head program.libraries).install
    ];
  shown = [
    "greeter-kvm-x86_64"
    "greeter"
    "musl, application"
    "arguments = [\"greeter\",\"you\"], nixos-tests/eval/program.nix:31"
    "environment = [\"VOICE=low\"], nixos-tests/eval/program.nix:32"
    "stackKiB = 64, nixos-tests/eval/program.nix:34"
    "make -C '.' -j\"$jobs\" CC=cc 'WORDS=good day'\n"
    "-Os"
    "tcl"
    "make 'install'\n"
  ];
}
