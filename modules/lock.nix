# Cargo.lock: the part of it that some packages of the pool reach.
#
# What is built from a part is not built anew when the rest changes: a new dependency of a host tool is no business of
# an image.
{ lib }:
let
  inherit (builtins)
    concatStringsSep
    elem
    filter
    map
    toJSON
    ;

  keyOf = package: "${package.name} ${package.version}";

  # A dependency is written `name`, or `name version` where the lock has more than one of that name.
  nameOf = dependency: lib.head (lib.splitString " " dependency);
  versionOf = dependency: lib.elemAt (lib.splitString " " dependency ++ [ null ]) 1;

  dependencyNames =
    manifest:
    lib.concatMap
      (
        table:
        lib.mapAttrsToList (name: dependency: dependency.package or name) (manifest.${table} or { })
      )
      [
        "dependencies"
        "build-dependencies"
      ]
    ++ lib.concatMap dependencyNames (lib.attrValues (manifest.target or { }));

  quoted = toJSON;
  field = package: name: lib.optional (package ? ${name}) "${name} = ${quoted package.${name}}";
  listField =
    package: name:
    lib.optional (package ? ${name}) "${name} = [${concatStringsSep ", " (map quoted package.${name})}]";

  block =
    package:
    concatStringsSep "\n" (
      [ "[[package]]" ]
      ++ lib.concatMap (field package) [
        "name"
        "version"
        "source"
        "checksum"
      ]
      ++ listField package "dependencies"
    );
in
{
  # Texts of lock files, and the manifests to keep by the name of their package. What a manifest that no lock has depends
  # on is taken from the locks as well; where none has that either, nobody has chosen its version.
  part =
    locks: manifests:
    let
      parsed = map builtins.fromTOML locks;
      all = lib.concatMap (lock: lock.package or [ ]) parsed;
      byName = lib.groupBy (package: package.name) all;

      isMember = package: !(package ? source) && manifests ? ${package.name};

      # Development dependencies of members are in the lock too, and reach no build.
      dependenciesOf =
        package:
        let
          wanted = dependencyNames manifests.${package.name};
        in
        if isMember package then
          filter (dependency: elem (nameOf dependency) wanted) (package.dependencies or [ ])
        else
          package.dependencies or [ ];

      resolve =
        dependency:
        filter (package: elem (versionOf dependency) [ null package.version ]) (
          byName.${nameOf dependency} or [ ]
        );

      item = package: {
        key = keyOf package;
        package = package // lib.optionalAttrs (package ? dependencies) { dependencies = dependenciesOf package; };
      };

      strangers = filter (name: !(builtins.any isMember (byName.${name} or [ ]))) (builtins.attrNames manifests);

      foreign = name: filter (dependency: !(manifests ? ${dependency})) (dependencyNames manifests.${name});

      taken =
        name: dependency:
        if byName ? ${dependency} then
          byName.${dependency}
        else
          throw "`${name}` depends on the crate `${dependency}`, which no lock file has: name a Cargo.lock that has both in `lockFiles`";

      reached = builtins.genericClosure {
        startSet = map item (
          filter isMember all ++ lib.concatMap (name: lib.concatMap (taken name) (foreign name)) strangers
        );
        operator = { package, ... }: map item (lib.concatMap resolve (dependenciesOf package));
      };
    in
    {
      version = (lib.head parsed).version;
      package = map (item: item.package) reached;
    };

  # The text of a lock file.
  render =
    lock: concatStringsSep "\n\n" ([ "version = ${toString lock.version}" ] ++ map block lock.package) + "\n";
}
