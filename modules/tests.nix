# Tests of images that the Nix sandbox has room for: starting them, and building them twice.
{
  lib,
  toolchain,
  tools,
  builder,
  packTree,
  # Rooms as modules/default.nix found them.
  pool,
  # What images of a platform are tested on, for platforms that this machine is not; null where it cannot be made here.
  testHosts,
}:
let
  # What a boot-test.nix says of one way to start an image: one scenario, a list of them, or a function to these from the
  # image, from the way where there are several, from its program as one of this machine, and from what makes files for it:
  # `packTree` a root image of a directory, `made` what a script of the shell writes to `$out`.
  scenarios =
    given: composition: variant:
    let
      facts = {
        inherit (composition) app platform arch ports;
        rooms = map (node: node.room) composition.nodes;
        native = if composition ? program then builder.programOf composition else null;
        inherit variant packTree made;
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

  # A scenario as boot-test takes it, in one of the platform's ways to start an image: with the image, and the check's name
  # before its own.
  completed =
    name: image: variant: environment: scenario:
    scenario
    // {
      name = lib.concatStringsSep ", " (
        [ name ] ++ lib.optional (scenario ? name) scenario.name ++ lib.optional (variant != null) variant
      );
      image = "${image}";
      environment = environment // scenario.environment or { };
    };

  # All scenarios of an image, in each way in which its platform starts it.
  inEachVariant =
    given: name: image: composition:
    let
      inherit (pool.rooms.${composition.platform}.platform) variants;
      inOne =
        variant: environment:
        map (completed name image variant environment) (scenarios given composition variant);
    in
    if variants == { } then inOne null { } else lib.concatLists (lib.mapAttrsToList inOne variants);

  # A check that stands for one that is not made; ./unicore test tells its reason.
  skipped =
    name: why:
    toolchain.derive {
      inherit name;
      script = ''
        echo 'skipped: ${why}' | tee $out
      '';
    };

  boot =
    given: name: image: composition:
    let
      inherit (composition) platform;
      host = testHosts.${platform} or { outPath = ""; };
    in
    if host == null then
      skipped "boot-${name}" "there is no test host for ${platform} with the toolchain ${toolchain.name}"
    else
      bootOn "${host}" given name image composition;

  # Where `host` is empty the image runs on this machine. A test host is emulated in whole, and has to start first.
  bootOn =
    host: given: name: image: composition:
    let
      patience = if host == "" then 1 else 3;
      inTime = scenario: scenario // { timeoutSeconds = patience * scenario.timeoutSeconds or 60; };
      files = lib.imap0 (number: scenario: {
        name = "scenario${toString number}";
        value = builtins.toJSON (inTime scenario);
      }) (inEachVariant given name image composition);
    in
    toolchain.derive (
      lib.listToAttrs files
      // {
        name = "boot-${name}";
        UNICORE_TEST_HOST = host;
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
      config = composition.target.config;
      again = builder.imageOf (composition // { attempt = "second"; });
      script = ''
        cmp "$image/${name}" "$again/${name}"
        cmp "$image/${name}.debug" "$again/${name}.debug"
        cmp "$image/manifest.json" "$again/manifest.json"
        # It names the place of the image.
        if [ -n "$config" ]; then sed "s|$image|$again|" "$image/$config" | cmp - "$again/$config"; fi
        : > $out
      '';
    };
in
{
  inherit made skipped;

  # Boot tests of a unikernel's images, by the names of these; none where it is given no scenario.
  boots =
    given:
    { images, compositions, ... }:
    lib.optionalAttrs (given != [ ]) (
      lib.mapAttrs' (
        name: image: lib.nameValuePair "boot-${name}" (boot given name image compositions.${name})
      ) images
    );

  # The same by another name, for a unikernel whose images are called as those of the one that it varies.
  bootsAs =
    label: given: made:
    lib.optionalAttrs (given != [ ]) (
      lib.mapAttrs' (
        image: composition:
        let
          name = "${label}-${composition.platform}-${composition.arch}";
        in
        lib.nameValuePair "boot-${name}" (boot given name made.images.${image} composition)
      ) made.compositions
    );

  # That images are bit for bit the same when they are built again.
  rebuilds =
    { images, compositions, ... }:
    lib.mapAttrs' (
      name: image: lib.nameValuePair "reproducible-${name}" (reproducible name image compositions.${name})
    ) images;
}
