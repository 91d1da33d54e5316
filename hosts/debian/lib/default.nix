# The part of nixpkgs' `lib` that composition uses, for hosts that cannot reach nixpkgs: same names, same meaning.
# nixos-tests/same-lib.nix holds it to the real one.
let
  lists = import ./lists.nix;
  attrsets = import ./attrsets.nix { inherit lib; };
  strings = import ./strings.nix { inherit lib; };
  options = import ./options.nix { inherit lib; };
  properties = import ./properties.nix { inherit lib; };
  types = import ./types.nix { inherit lib; };
  modules = import ./modules.nix { inherit lib; };

  lib = lists // attrsets // strings // options // properties // modules // { inherit types; };
in
lib
