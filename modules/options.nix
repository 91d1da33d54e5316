# The options of a unikernel.nix, as a module: those of the application and the choice, and `libs.<room>` of each room.
#
# The module system ends evaluation at the first name it does not know and at the first value of a wrong type. Here both
# are kept, so that all problems can be told together: unknown names go to `undeclared`, and a wrong value gives way to
# the default (./evaluate.nix reports it).
{
  lib,
  settings,
  rooms,
}:
let
  inherit (lib) mkOption types;

  tolerant =
    option:
    let
      type = option.type or types.raw;
      merged = loc: defs: type.merge loc defs;
      fits = loc: defs: lib.all (def: type.check def.value) defs && settings.evaluates (merged loc defs);
    in
    option
    // {
      type = lib.mkOptionType {
        inherit (type) name description;
        merge =
          loc: defs:
          if fits loc defs then
            merged loc defs
          else
            option.default or (throw "${lib.showOption loc} has no value of its type");
      };
    };

  enable = mkOption {
    type = types.nullOr types.bool;
    default = null;
    description = "true: in the image even where nothing needs it; false: never; null: where it is needed.";
  };

  configurable = lib.filterAttrs (_: room: room.kind != "interface") rooms;

  # Platforms and architectures are asked for by `platforms` and `arches`.
  optionsOf = room: lib.optionalAttrs (room.kind == "library") { inherit enable; } // room.options;

  namesOf = kind: lib.attrNames (lib.filterAttrs (_: room: room.kind == kind) rooms);

  names = types.listOf types.str;

  sources = import ./sources.nix { inherit lib; };

  declared = {
    app = {
      crate = mkOption {
        type = types.nullOr types.path;
        default = null;
        description = "Directory of the application's crate.";
      };
      name = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "First part of the images' names; null takes the name of the application's Cargo package. A program from source has no other.";
      };
      needs = mkOption {
        type = names;
        default = [ ];
        description = "Interfaces that the application uses.";
      };
      after = mkOption {
        type = names;
        default = [ ];
        description = "Rooms started before the application, where they are in the image.";
      };
      settings = mkOption {
        type = types.attrsOf types.raw;
        default = { };
        description = "Values for the application's `Config`: integers, booleans, strings, paths, packages, lists of these, null.";
      };
      ports = mkOption {
        type = types.attrsOf types.port;
        default = { };
        description = "Ports the application serves, of TCP, UDP or both, by the scheme of the URL (`http = 80`).";
      };
      source = {
        src = mkOption {
          type = types.nullOr sources.src;
          default = null;
          description = "Source of a program for Linux, instead of `app.crate`: a directory, an archive or its address and SHA-256.";
        };
        build = mkOption {
          type = types.nullOr sources.build;
          default = null;
          description = "How it is built: `builders.files`, `builders.make`, `builders.configure` or `builders.cargo`.";
        };
        libraries = mkOption {
          type = types.listOf sources.library;
          default = [ ];
          description = "Libraries that it is built with, each after those that it uses.";
        };
      };
      arguments = mkOption {
        type = types.listOf types.str;
        default = [ ];
        description = "Arguments of a program from source, after its name.";
      };
      environment = mkOption {
        type = types.attrsOf types.str;
        default = { };
        description = "Environment of a program from source.";
      };
    };
    platforms = mkOption {
      type = names;
      default = namesOf "platform";
      description = "Platforms to build for; every one of the pool where left out.";
    };
    arches = mkOption {
      type = names;
      default = namesOf "arch";
      description = "Architectures to build for; every one that the platform supports where left out.";
    };
    memoryMiB = mkOption {
      type = types.nullOr (types.ints.between 1 1048576);
      default = null;
      description = "Memory of the machine that `run` starts the image in, in MiB; null takes the platform's default.";
    };
    choose = mkOption {
      type = types.attrsOf (types.either types.str names);
      default = { };
      description = "Interface to the room that provides it; a list where the interface takes any number, an empty one for none.";
    };
    libs = lib.mapAttrs (_: optionsOf) configurable;
  };

  tolerantTree = lib.mapAttrs (
    _: tree: if lib.isOption tree then tolerant tree else tolerantTree tree
  );
in
{
  inherit declared enable;

  module = {
    _file = "modules/options.nix";
    options = tolerantTree declared;
    config._module.freeformType = lib.mkOptionType {
      name = "undeclared";
      description = "names that no option has";
      merge = _: defs: { undeclared = defs; };
    };
  };
}
