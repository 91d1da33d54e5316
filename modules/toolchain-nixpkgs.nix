# The toolchain of nixpkgs: Rust by rust-overlay, cargo by crane.
{
  nixpkgs,
  crane,
  rust-overlay,
  system,
}:
let
  pkgs = nixpkgs.legacyPackages.${system};
  inherit (pkgs) lib;

  # Of programs with musl; images have one of their own.
  targets = [ "${lib.head (lib.splitString "-" system)}-unknown-linux-musl" ];

  rust = (rust-overlay.lib.mkRustBin { } pkgs).stable.latest.default.override {
    extensions = [
      "clippy"
      "rust-src"
      "rustfmt"
    ];
    inherit targets;
  };
in
import ./toolchain-crane.nix {
  inherit
    pkgs
    rust
    system
    targets
    ;
  crane = (crane.mkLib pkgs).overrideToolchain rust;
  linker = "${pkgs.lld}/bin/ld.lld";
  # Not the wrapper, which adds what programs of nixpkgs are compiled with.
  cc = "${pkgs.stdenv.cc.cc}/bin/gcc";
  library = "${rust}/lib/rustlib/src/rust/library";
  programs = {
    inherit (pkgs) curl nix qemu;
  };
  shell = pkgs.mkShell {
    packages = [
      rust
      pkgs.lld
      pkgs.nixfmt
      pkgs.qemu
    ];
  };
  formatter = pkgs.writeShellApplication {
    name = "format";
    runtimeInputs = [
      rust
      pkgs.git
      pkgs.nixfmt
    ];
    text = ''
      cargo fmt --all
      git ls-files '*.nix' | xargs nixfmt
    '';
  };
}
