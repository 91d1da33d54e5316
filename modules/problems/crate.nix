# What is wrong with the Cargo.toml of a package.
{
  lib,
  words,
  near,
}:
# All packages by name.
packages:
let
  inherit (words) tick;

  fileOf = package: words.shownFile (package.dir + "/Cargo.toml");

  wrongName =
    { name, manifest, ... }@package:
    "room ${tick name} has a package of another name, ${
      tick (manifest.package.name or "none")
    } (${fileOf package}): set `package.name = \"${name}\"`, or rename the directory";

  withoutLints =
    package:
    "room ${tick package.name} is not held to the pool's lints (${fileOf package}): add `[lints]` with `workspace = true`";

  unknownDependency =
    package: dependency:
    "package ${tick package.name} depends by path on ${tick dependency} (${fileOf package}), which is not in the pool: "
    + near.meantOr dependency (lib.attrNames packages) "add its directory to `rooms`";
in
{
  # Dependencies by path that lead out of the pool.
  unknownDependencies =
    name:
    let
      package = packages.${name};
    in
    map (unknownDependency package) (
      lib.filter (dependency: !(packages ? ${dependency})) package.dependencies
    );

  # What the pool asks of each of its packages.
  badForm =
    name:
    let
      package = packages.${name};
      inherit (package) manifest;
    in
    if manifest == null then
      [ "room ${tick name} has no Cargo.toml (${words.shownFile package.dir}): add one" ]
    else
      lib.optional (manifest.package.name or null != name) (wrongName package)
      ++ lib.optional (!(manifest.lints.workspace or false)) (withoutLints package);
}
