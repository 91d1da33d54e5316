# The packages of an image: which the chosen ones reach, and what of their directories a build sees.
{ lib }:
# All packages by name.
packages:
let
  inherit (builtins) elem filter;

  # What no build of a package reads: a change there builds nothing anew.
  unread = [
    "benches"
    "boot-test.nix"
    "flake.lock"
    "flake.nix"
    "libc"
    "module.nix"
    "target"
    "tests"
    "unikernel.nix"
  ];

  asItem = name: { key = name; };
  known = filter (name: packages ? ${name});
in
{
  # Names of packages, and of all that they depend on by path.
  reachedFrom =
    names:
    map (item: item.key) (
      builtins.genericClosure {
        startSet = map asItem (known names);
        operator = item: map asItem (known packages.${item.key}.dependencies);
      }
    );

  # The directory of a package in the store.
  sourceOf =
    name:
    let
      inherit (packages.${name}) dir;
      left = map (entry: "${toString dir}/${entry}") unread;
    in
    builtins.path {
      inherit name;
      path = dir;
      filter = path: _: !(elem path left);
    };
}
