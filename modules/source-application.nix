# A program from source as `app` tells it, in the form of a room (./application.nix): the room of the C library that
# starts it stands for it.
{
  lib,
  words,
}:
{
  # The options under `app`; where a path of the configuration is written; the rooms; the packages by name.
  app,
  where,
  rooms,
  packages,
}:
let
  inherit (builtins) attrNames filter pathExists;
  inherit (words) at tick ticks;

  libcs = filter (name: rooms.${name}.kind == "libc") (attrNames rooms);
  # What stands for it while there is none, or more than one.
  libc = if libcs == [ ] then "program" else lib.head libcs;

  imageName = if app.name == null then "program" else app.name;
  inherit (app) source;

  places = option: where ([ "app" ] ++ lib.splitString "." option);
  place = option: at (places option);

  # One that is set to a value of a wrong type is told of elsewhere.
  missing =
    option: what:
    lib.optional (places option == [ ])
      "the program${at (places "source.src" ++ places "source.build")} has no ${what}: set ${tick "app.${option}"}";

  # Options of applications in Rust.
  unfit =
    option: empty: why:
    lib.optional (app.${option} != empty) "${tick "app.${option}"}${place option} is not for a program from source, ${why}: take it out";

  libcProblems =
    if libcs == [ ] then
      [ "no room has a C library for a program from source${place "source.src"}: add one to `rooms`" ]
    else
      lib.optional (lib.length libcs > 1) "${ticks libcs} have a C library, and a program from source${place "source.src"} has one: take the others out of `rooms`";

  built = lib.optional (source.build != null) source.build ++ map (library: library.build) source.libraries;
  buildProblems = map (problem: "${problem}${place "source.build"}") (
    lib.concatMap (builder: builder.problems) built
  );

  # A library is what its builder installs.
  uninstalled = filter (
    library: library.build.problems == [ ] && library.build.made.install == ""
  ) source.libraries;

  hasProgram = source.build == null || source.build.problems != [ ] || source.build.made.program != null;

  isDirectory = src: builtins.isPath src && pathExists "${toString src}/.";

  # What no build reads of a directory: a change there builds nothing anew.
  unreadBy =
    build:
    [
      "boot-test.nix"
      "flake.lock"
      "flake.nix"
      "unikernel.nix"
    ]
    ++ lib.optional (build.made ? cargo) "target";

  # A path becomes its place in the store.
  stored =
    { src, build, ... }:
    let
      unread = map (entry: "${toString src}/${entry}") (unreadBy build);
    in
    if isDirectory src then
      builtins.path {
        # Not the directory's own, which has a hash where it is that of a flake.
        name = "source";
        path = src;
        filter = path: _: !(lib.elem path unread);
      }
    else if builtins.isAttrs src && !(lib.isDerivation src) then
      src
    else
      "${src}";
  sourceOf = given: given.build.made // { src = stored given; };

  # Cargo builds what a lock file names, which is read before anything is fetched.
  cargoProblems =
    let
      inherit (source.build.made.cargo) lockFile;
      lacks = file: isDirectory source.src && !(pathExists "${toString source.src}/${file}");
    in
    if source.src == null || source.build == null || !(source.build.made ? cargo) then
      [ ]
    else if lacks "Cargo.toml" then
      [ "the program has no Cargo.toml in its source${place "source.src"}: name the directory of its package or workspace" ]
    else if lockFile == null && !(isDirectory source.src) then
      [ "the program's Cargo.lock lies in an archive${place "source.src"}: have a copy beside, and name it by `lockFile` of `builders.cargo`" ]
    else if lockFile == null && lacks "Cargo.lock" then
      [ "the program has no Cargo.lock in its source${place "source.src"}: `cargo generate-lockfile` writes it (and git has to know the file)" ]
    else
      [ ];

  setting = option: value: {
    type = "list of str";
    inherit value;
    default = null;
    definedIn = where [ "app" option ];
  };
in
{
  name = libc;
  inherit imageName;
  shownName = imageName;
  package = packages.${libc} or null;
  summary = "a program built from source, and its C library";
  needs = rooms.${libc}.needs or [ ];
  inherit (app) after;
  provides = [ ];
  conflicts = [ ];
  platforms = null;
  arches = null;
  settings = {
    arguments = setting "arguments" ([ imageName ] ++ app.arguments);
    environment = setting "environment" (
      lib.mapAttrsToList (name: value: "${name}=${value}") app.environment
    );
  };
  where = rooms.${libc}.where or (_: "");

  problems =
    missing "name" "name"
    ++ missing "source.src" "source"
    ++ missing "source.build" "builder"
    ++ lib.optional (!hasProgram) "the program has no file: give the builder${place "source.build"} `program`, where the build puts it"
    ++ map (
      library:
      "library ${tick library.name}${place "source.libraries"} is built by ${tick "builders.${library.build.name}"}, which makes programs alone: take `make` or `configure`"
    ) uninstalled
    ++ libcProblems
    ++ buildProblems
    ++ cargoProblems
    ++ unfit "crate" null "which has its own `main`"
    ++ unfit "needs" [ ] "which needs what its C library does"
    ++ unfit "settings" { } "which has `app.arguments` and `app.environment`";

  composable = libcs != [ ];

  # What ./programs.nix builds it of.
  program = {
    inherit libc;
    name = imageName;
    source = sourceOf source;
    libraries = map (library: { inherit (library) name; } // sourceOf library) source.libraries;
  };
}
