# Finds packages: the directories that hold a crate, rooms (with a module.nix) and plain libraries (without).
{ lib }:
let
  inherit (builtins)
    attrNames
    baseNameOf
    concatMap
    fromTOML
    isList
    pathExists
    readDir
    readFile
    ;

  shelves = [
    "arches"
    "platforms"
    "crates"
  ];

  holdsCrate = dir: pathExists (dir + "/module.nix") || pathExists (dir + "/Cargo.toml");

  subdirectories =
    dir:
    let
      entries = readDir dir;
    in
    map (name: dir + "/${name}") (
      lib.filter (name: entries.${name} == "directory") (attrNames entries)
    );

  shelvesOf = dir: lib.filter pathExists (map (shelf: dir + "/${shelf}") shelves);

  # A pool (with shelves like this one's), a crate's own directory, or a directory of crates.
  find =
    where:
    if isList where then
      concatMap find where
    else if shelvesOf where != [ ] then
      cratesIn (shelvesOf where)
    else if holdsCrate where then
      [ where ]
    else
      cratesIn [ where ];

  cratesIn = dirs: lib.filter holdsCrate (concatMap subdirectories dirs);

  dependencyTables =
    manifest:
    [
      (manifest.dependencies or { })
      (manifest.build-dependencies or { })
    ]
    ++ concatMap dependencyTables (lib.attrValues (manifest.target or { }));

  pathOf = dependency: dependency.path or null;

  # A path dependency names a package of the pool by its last component, wherever the path leads.
  pathDependencies =
    manifest:
    let
      dependencies = concatMap lib.attrValues (dependencyTables manifest);
      paths = map pathOf (lib.filter builtins.isAttrs dependencies);
    in
    map baseNameOf (lib.filter (path: path != null) paths);
in
{
  # What is known of a crate's directory without evaluating its module.
  packageAt =
    dir:
    let
      cargoToml = dir + "/Cargo.toml";
      manifest = if pathExists cargoToml then fromTOML (readFile cargoToml) else null;
    in
    {
      inherit dir manifest;
      name = baseNameOf (toString dir);
      moduleFile = if pathExists (dir + "/module.nix") then dir + "/module.nix" else null;
      dependencies = if manifest == null then [ ] else pathDependencies manifest;
    };

  # Directories below `where` that hold a crate: a path, or a list of such.
  inherit find;
}
