{
  description = "What Unicore asks of nixpkgs, from the packages of a Debian machine";

  outputs =
    { self }:
    let
      lib = import ./lib;

      # Written by ./record-versions; without it an upgrade of the machine goes unseen.
      versions = if builtins.pathExists ./versions then builtins.readFile ./versions else "";

      # Written by ./record-versions too; without it files come from their authors alone.
      mirror = if builtins.pathExists ./mirror then builtins.readFile ./mirror else "";

      # Written by ./record-packages; without it there are no test hosts.
      recorded = if builtins.pathExists ./debs then builtins.readFile ./debs else "";

      systems = [
        "aarch64-linux"
        "x86_64-linux"
      ];
    in
    {
      inherit lib;

      unicoreToolchain = lib.genAttrs systems (system: import ./toolchain.nix { inherit system versions recorded mirror; });
    };
}
