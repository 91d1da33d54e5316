# How programs and libraries are built from source, for `app.source`: each builder makes data of what it is given, which
# ./programs.nix makes a derivation of.
#
# Every one takes `program`, `flags` of its own kind, `cflags`: options of the compiler that win over the build's own, and
# `tools`: packages of nixpkgs whose programs the build calls.
#
# `build` and `install` are scripts of the shell. They run where the source is unpacked, with the compiler for images as
# `cc` on the path; `$jobs` is how many processes a build may start, and `$out` where a library is installed. `program` is
# the file that a build makes, relative to there; a library has none. `cargo` is what a program in Rust has beside that:
# `lockFile`, or null for the one of its source.
{ lib, words, near }:
let
  inherit (builtins) attrNames isAttrs isList isString;
  isPath = lib.types.path.check;
  inherit (words) tick ticks;

  quoted = word: "'${lib.replaceStrings [ "'" ] [ "'\\''" ] word}'";
  arguments = lib.concatMapStringsSep " " quoted;

  form = check: description: default: { inherit check description default; };
  text = form isString "a string";
  texts = form (value: isList value && lib.all isString value) "a list of strings";
  optionalText = form (value: value == null || isString value) "a string" null;

  # What is wrong with what a builder was given, one line each.
  problemsOf =
    name: forms: given:
    let
      unknown =
        attribute:
        "${tick "builders.${name}"} has no ${tick attribute}: "
        + near.meantOr attribute (attrNames forms) "it takes ${ticks (attrNames forms)}";
      wrong =
        attribute:
        "${tick attribute} of ${tick "builders.${name}"} is ${words.shownValue given.${attribute}}, and must be ${
          forms.${attribute}.description
        }";
      problem =
        attribute:
        if !(forms ? ${attribute}) then
          [ (unknown attribute) ]
        else if !(forms.${attribute}.check given.${attribute}) then
          [ (wrong attribute) ]
        else
          [ ];
    in
    if isAttrs given then
      lib.concatMap problem (attrNames given)
    else
      [ "${tick "builders.${name}"} is given ${words.shownValue given}, and takes an attribute set" ];

  # A builder of that name: the attributes it takes, and what it makes of them.
  builder = name: forms: make: given: rec {
    _type = "builder";
    inherit name;
    problems = problemsOf name forms given;
    made = make (
      lib.mapAttrs (
        attribute: form: if problems == [ ] then given.${attribute} or form.default else form.default
      ) forms
    );
  };

  common = {
    program = optionalText;
    flags = texts [ ];
    cflags = form (
      value: isList value && lib.all (word: isString word && builtins.match "[^[:space:]]+" word != null) value
    ) "a list of strings without blanks" [ ];
    tools = texts [ ];
  };
in
{
  # Source files that are compiled together: those named, or every one of the directory.
  files =
    builder "files"
      (
        common
        // {
          sources = texts [ "*.c" ];
          libraries = texts [ ];
        }
      )
      (given: {
        inherit (given) cflags tools;
        program = if given.program == null then "program" else given.program;
        # Sources are patterns of the shell.
        build = ''
          cc -O2 ${arguments given.flags} -o ${
            quoted (if given.program == null then "program" else given.program)
          } ${toString given.sources} ${arguments (map (library: "-l${library}") given.libraries)}
        '';
        install = "";
      });

  # A Makefile: `make` with these flags, which may name targets.
  make =
    builder "make"
      (
        common
        // {
          directory = text ".";
          install = texts [ "install" ];
        }
      )
      (given: {
        inherit (given) program cflags tools;
        build = ''
          make -C ${quoted given.directory} -j"$jobs" CC=cc ${arguments given.flags}
        '';
        install = ''
          make -C ${quoted given.directory} CC=cc prefix="$out" PREFIX="$out" ${arguments given.install}
        '';
      });

  # A script `configure`, of autoconf or in its manner, and make. A program is told that it will lie where programs do on
  # Linux, so that no path of the machine that builds comes into the image.
  configure =
    builder "configure"
      (
        common
        // {
          script = text "./configure";
          make = texts [ ];
          install = texts [ "install" ];
        }
      )
      (given: {
        inherit (given) program cflags tools;
        build = ''
          ${given.script} --prefix=${if given.program == null then ''"$out"'' else "/usr"} ${arguments given.flags}
          make -j"$jobs" ${arguments given.make}
        '';
        install = ''
          make ${arguments given.install}
        '';
      });

  # A package of cargo, or a workspace: `program` is the name of the binary, where there is more than one.
  cargo =
    builder "cargo"
      (
        common
        // {
          lockFile = form (value: value == null || isPath value) "a path" null;
        }
      )
      (given: {
        inherit (given) cflags tools;
        program = "target/program";
        cargo = { inherit (given) lockFile; };
        build = ''
          cargo build --offline --locked --release ${
            lib.optionalString (given.program != null) "--bin ${quoted given.program}"
          } ${arguments given.flags}
          set -- $(find "$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET" -mindepth 2 -maxdepth 2 -type f -perm -u+x)
          if [ $# -ne 1 ]; then
              echo "$name: cargo made $# programs, and an image has one: name it by \`program\` of \`builders.cargo\`" >&2
              printf '  %s\n' "$@" >&2
              exit 1
          fi
          mkdir -p target
          mv "$1" target/program
        '';
        install = "";
      });
}
