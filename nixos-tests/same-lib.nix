# Holds hosts/debian/lib to nixpkgs' lib: the same compositions, problems and reference under both.
#
#   nix-instantiate --eval --strict --json nixos-tests/same-lib.nix -A message --arg nixpkgsLib <nixpkgs>/lib
#
# Without the argument the path is taken from the environment, UNICORE_NIXPKGS_LIB.
{
  nixpkgsLib ? builtins.getEnv "UNICORE_NIXPKGS_LIB",
}:
let
  inherit (builtins)
    attrNames
    concatMap
    pathExists
    readDir
    toJSON
    ;

  hostLib = import ../hosts/debian/lib;

  examples = ../examples;
  unikernels = concatMap (
    name:
    let
      file = examples + "/${name}/unikernel.nix";
    in
    hostLib.optional (pathExists file) file
  ) (attrNames (readDir examples));

  # Everything evaluation yields, as JSON texts by what they are of.
  textsUnder =
    lib:
    let
      composition = import ../modules { inherit lib; };
      cases = (import ./eval { inherit lib; }).compositions;
      images = map (file: composition.composeAll [ file ]) unikernels;
    in
    builtins.mapAttrs (_: toJSON) (
      builtins.foldl' (all: next: all // next) cases images
      // {
        "examples of lib" = (import ./lib.nix { inherit lib; }).failures;
        "the reference of options" = composition.optionsReference;
        "the support matrix" = composition.supportMatrix;
      }
    );

  host = textsUnder hostLib;
  real = textsUnder (import nixpkgsLib);

  isGiven = toString nixpkgsLib != "" && pathExists nixpkgsLib;
in
if !isGiven then
  {
    compared = 0;
    differences = [ ];
    message = "not compared: nixpkgs' lib is not here; name its path in UNICORE_NIXPKGS_LIB or --arg nixpkgsLib";
  }
else
  rec {
    compared = builtins.length (attrNames host);
    # { of, host, nixpkgs } of each that is not the same.
    differences = map (of: {
      inherit of;
      host = host.${of};
      nixpkgs = real.${of};
    }) (builtins.filter (of: host.${of} != real.${of}) (attrNames host));
    message = "compared ${toString compared} evaluations under both libs: ${toString (builtins.length differences)} differ";
  }
