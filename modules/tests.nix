# Tests of images that the Nix sandbox has room for: starting them, and building them twice.
{
  lib,
  toolchain,
  tools,
  builder,
  packTree,
}:
let
  # What a boot-test.nix says: one scenario, a list of them, or a function to these from the image and from what makes
  # files for it: `packTree` a root image of a directory, `made` what a script of the shell writes to `$out`.
  scenarios =
    given: composition:
    let
      facts = {
        inherit (composition) app platform arch ports;
        rooms = map (node: node.room) composition.nodes;
        inherit packTree made;
      };
      said =
        if builtins.isFunction given then
          given facts
        else
          given;
    in
    lib.toList said;

  made =
    script:
    toolchain.derive {
      name = "made";
      inherit script;
    };

  # A scenario as boot-test takes it: with the image, and the check's name before its own.
  completed =
    name: image: scenario:
    scenario
    // {
      name = if scenario ? name then "${name}, ${scenario.name}" else name;
      image = "${image}";
    };

  boot =
    given: name: image: composition:
    let
      files = lib.imap0 (number: scenario: {
        name = "scenario${toString number}";
        value = builtins.toJSON (completed name image scenario);
      }) (scenarios given composition);
    in
    toolchain.derive (
      lib.listToAttrs files
      // {
        name = "boot-${name}";
        programs = [
          "curl"
          "qemu"
        ];
        passAsFile = map (file: file.name) files;
        script = ''
          export HOME=$PWD
          ${tools.boot-test}/bin/boot-test ${toString (map (file: "\"\$${file.name}Path\"") files)}
          : > $out
        '';
      }
    );

  # The same build under another name has to give the same bytes.
  reproducible =
    name: image: composition:
    toolchain.derive {
      name = "reproducible-${name}";
      inherit image;
      again = builder.imageOf (composition // { attempt = "second"; });
      script = ''
        cmp "$image/${name}" "$again/${name}"
        cmp "$image/${name}.debug" "$again/${name}.debug"
        cmp "$image/manifest.json" "$again/manifest.json"
        : > $out
      '';
    };
in
{
  # Boot tests of a unikernel's images, by the names of these.
  boots =
    given:
    { images, compositions }:
    lib.mapAttrs' (
      name: image: lib.nameValuePair "boot-${name}" (boot given name image compositions.${name})
    ) images;

  # The same by another name, for a unikernel whose images are called as those of the one that it varies.
  bootsAs =
    label: given: made:
    lib.mapAttrs' (
      image: composition:
      let
        name = "${label}-${composition.platform}-${composition.arch}";
      in
      lib.nameValuePair "boot-${name}" (boot given name made.images.${image} composition)
    ) made.compositions;

  # That images are bit for bit the same when they are built again.
  rebuilds =
    { images, compositions }:
    lib.mapAttrs' (
      name: image: lib.nameValuePair "reproducible-${name}" (reproducible name image compositions.${name})
    ) images;
}
