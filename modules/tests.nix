# Tests of images that the Nix sandbox has room for: starting them, and building them twice.
{
  lib,
  toolchain,
  tools,
  builder,
}:
let
  # What a boot-test.nix says: one scenario, a list of them, or a function from the image to these.
  scenarios =
    given: composition:
    let
      said = if builtins.isFunction given then given { inherit (composition) app platform arch ports; } else given;
    in
    lib.toList said;

  boot =
    given: name: image: composition:
    let
      files = lib.imap0 (number: scenario: {
        name = "scenario${toString number}";
        value = builtins.toJSON (
          {
            inherit name;
            image = "${image}";
          }
          // scenario
        );
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
  # Checks of one unikernel's images.
  boots =
    given:
    { images, compositions }:
    lib.mapAttrs' (
      name: image: lib.nameValuePair "boot-${name}" (boot given name image compositions.${name})
    ) images
    // lib.mapAttrs' (
      name: image: lib.nameValuePair "reproducible-${name}" (reproducible name image compositions.${name})
    ) images;
}
