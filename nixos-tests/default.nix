# All tests of evaluation: which unikernels are refused and why, how the others come out, and the host's `lib`.
#
#   nix-instantiate --eval --strict --json nixos-tests -A failures
{
  lib ? import ../hosts/debian/lib,
  nixpkgsLib ? builtins.getEnv "UNICORE_NIXPKGS_LIB",
}:
let
  sameLib = import ./same-lib.nix { inherit nixpkgsLib; };
  differing =
    difference:
    "${difference.of}: ${difference.host} under the host's lib, ${difference.nixpkgs} under nixpkgs'";
in
{
  # One line each; empty when all is well.
  failures =
    (import ./eval { inherit lib; }).failures
    ++ (import ./lib.nix { inherit lib; }).failures
    ++ map differing sameLib.differences;

  # Whether the two libs were compared.
  inherit (sameLib) message;
}
