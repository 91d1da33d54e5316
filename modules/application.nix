# The application as `app` tells it, in the form of a room, with what is wrong with it.
{
  lib,
  words,
  settings,
  packageAt,
}:
{
  # The options under `app`; where a path of the configuration is written; the rooms, whose names are taken.
  app,
  where,
  rooms,
}:
let
  inherit (builtins) attrNames pathExists;
  inherit (words) at tick;

  package = if app.crate == null then null else packageAt app.crate;
  manifest = if package == null then null else package.manifest;

  name = manifest.package.name or "application";
  imageName = if app.name == null then name else app.name;

  whereCrate = at (where [
    "app"
    "crate"
  ]);
  crateFile = words.shownFile app.crate;

  hasEntry = manifest ? lib.path || pathExists (package.dir + "/src/lib.rs");

  entryProblems =
    if app.crate == null then
      [
        "the application has no entry: set `app.crate` to the directory of its crate (`app.crate = ./.`)"
      ]
    else if manifest == null then
      [
        "the application has no entry: `app.crate`${whereCrate} is ${crateFile}, which has no Cargo.toml: add one, or name another directory"
      ]
    else if !hasEntry then
      [
        "the application has no entry: `app.crate`${whereCrate} is ${crateFile}, which has no src/lib.rs: add one with `pub fn main`"
      ]
    else
      lib.optional (
        rooms ? ${name}
      ) "application ${tick name}${whereCrate} has the name of a room: give its Cargo package another";

  typeOf = setting: settings.inferredTypeName app.settings.${setting};

  settingOf = setting: value: {
    type = typeOf setting;
    value = settings.rendered (typeOf setting) value;
    default = null;
    definedIn = whereSetting setting;
  };

  whereSetting =
    setting:
    where [
      "app"
      "settings"
      setting
    ];

  settingProblem =
    setting:
    "`app.settings.${setting}`${at (whereSetting setting)} is ${
      words.shownValue app.settings.${setting}
    }, which no field of `Config` can hold: "
    + "take an integer, a boolean, a string, a path, a package, a list of one of these, or null";

  ofPrograms =
    option: empty:
    lib.optional (app.${option} != empty) "`app.${option}`${
      at (where [
        "app"
        option
      ])
    } is for a program from source (`app.source`): take it out, or use `app.settings`";
in
{
  inherit name imageName package;
  shownName = name;
  summary = manifest.package.description or "";
  inherit (app) needs after;
  provides = [ ];
  conflicts = [ ];
  platforms = null;
  arches = null;
  settings = lib.mapAttrs settingOf app.settings;

  # The places of `needs` or `after`, as that of a room's attribute.
  where =
    attribute:
    let
      places = where [
        "app"
        attribute
      ];
    in
    if places == [ ] then "`app.${attribute}`" else lib.concatStringsSep ", " places;

  problems =
    entryProblems
    ++ map settingProblem (lib.filter (setting: typeOf setting == null) (attrNames app.settings))
    ++ ofPrograms "arguments" [ ]
    ++ ofPrograms "environment" { };

  # Whether a graph can be drawn with it.
  composable = !(rooms ? ${name});

  # It is none of ./programs.nix.
  program = null;
}
