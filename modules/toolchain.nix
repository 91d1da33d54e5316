# The toolchain of a system: that of nixpkgs, or what a stand-in for nixpkgs brings with it.
#
# A toolchain is
#
#   derive { name, script, programs ? [ ], … }   a derivation: a script of the shell, the rest is its environment;
#                                                `programs` are packages that it calls beside the compiler
#   vendor lock                                  the crates of a lock (./lock.nix)
#   cargo { src, vendor, script, artifacts ? null, … }
#                                                the same with a workspace, its crates, and what was compiled before
#   artifacts { … }                              what a call of `cargo` compiles, for the `artifacts` of others
#   paths.workspace, paths.crates                where these lie while they are compiled
#   fetch { url, sha256, debian ? null }         a file of the network by its SHA-256; `debian` is its place on mirrors of
#                                                Debian, where it is looked for before or after
#   targets                                      those for which rustc has a standard library, beside that of this machine
#   linker, library                              the linker, and the sources of the standard library, for the shell
#   cc                                           a C compiler for this machine; ar, objcopy and make are on the path
#   shell, formatter                             for people
#   debs                                         packages of Debian's by name, for test hosts; not with every toolchain
{
  nixpkgs,
  crane,
  rust-overlay,
}:
system:
nixpkgs.unicoreToolchain.${system} or (import ./toolchain-nixpkgs.nix {
  inherit nixpkgs crane rust-overlay system;
})
