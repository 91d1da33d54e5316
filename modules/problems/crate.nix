# What is wrong with the Cargo.toml of a package of the pool.
{
  lib,
  words,
  near,
}:
let
  inherit (words) tick;
in
# All packages by name, and the name of the one to look at.
packages: name:
let
  package = packages.${name};
  inherit (package) manifest;
  file = words.shownFile (package.dir + "/Cargo.toml");
  packageName = manifest.package.name or null;

  unknownDependency =
    dependency:
    "package ${tick name} depends by path on ${tick dependency} (${file}), which is not in the pool: "
    + near.meantOr dependency (lib.attrNames packages) "add its directory to `rooms`";
in
if manifest == null then
  [ "room ${tick name} has no Cargo.toml (${words.shownFile package.dir}): add one" ]
else
  lib.optional (packageName != name)
    "room ${tick name} has a package of another name, ${tick packageName} (${file}): set `package.name = \"${name}\"`, or rename the directory"
  ++
    lib.optional (!(manifest.lints.workspace or false))
      "room ${tick name} is not held to the pool's lints (${file}): add `[lints]` with `workspace = true`"
  ++ map unknownDependency (lib.filter (dependency: !(packages ? ${dependency})) package.dependencies)
