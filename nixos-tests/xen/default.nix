# Scenarios on a Xen host as data, and what plays them: a test host (../../platforms/xen/test-host) or a NixOS machine.
{ lib }:
let
  inherit (builtins)
    attrNames
    baseNameOf
    mapAttrs
    readDir
    ;

  directory = ./scenarios;

  # Where a host has the files of a scenario.
  placeOf = name: "/files/${name}";

  # A domain as a scenario may leave it: the rest of what it is. With `own` it is that of the image's own configuration.
  domainOf =
    {
      image ? null,
      own ? false,
      kernel ? "${image}/${image.name}",
      type ? "pvh",
      memoryMiB ? 32,
      network ? true,
      bridge ? "xenbr0",
      address ? "10.0.2.16",
      mac ? "00:16:3e:00:00:01",
      disks ? [ ],
      settings ? [ ],
    }:
    {
      inherit
        image
        own
        kernel
        type
        memoryMiB
        network
        bridge
        address
        mac
        disks
        ;
      settings = lib.optionals network [
        "ip=${address}/24"
        "gw=10.0.2.2"
      ] ++ settings;
    };

  # xl.cfg(5).
  configurationOf =
    name: domain:
    lib.concatStringsSep "\n" (
      [
        ''name = "${name}"''
        ''type = "${domain.type}"''
        ''kernel = "${placeOf name}"''
        "memory = ${toString domain.memoryMiB}"
        "vcpus = 1"
        ''extra = "${toString domain.settings}"''
      ]
      ++ lib.optional domain.network ''vif = [ "mac=${domain.mac},bridge=${domain.bridge}" ]''
      ++ lib.optional (domain.disks != [ ]) "disk = [ ${
        lib.concatMapStringsSep ", " (disk: ''"${disk}"'') domain.disks
      } ]"
    )
    + "\n";

  # What a player takes: files, addresses and steps.
  playable =
    check: scenario:
    let
      domains = mapAttrs (_: domainOf) scenario.domains;
      configurations = lib.mapAttrs' (
        name: domain:
        lib.nameValuePair "${name}.cfg" (
          if domain.own then
            "${domain.image}/xl.cfg"
          else
            builtins.toFile "${name}.cfg" (configurationOf name domain)
        )
      ) domains;
      # An image's own configuration says where its kernel is.
      kernels = lib.mapAttrs' (
        name: domain:
        let
          place = if domain.own then builtins.unsafeDiscardStringContext "${domain.kernel}" else name;
        in
        lib.nameValuePair place "${domain.kernel}"
      ) domains;
    in
    {
      name = if scenario ? name then "${check}, ${scenario.name}" else check;
      files = configurations // kernels // scenario.files or { };
      addresses = mapAttrs (_: domain: domain.address) (
        lib.filterAttrs (_: domain: domain.network) domains
      );
      inherit (scenario) steps;
      # Far more than it takes, for machines that do much else.
      timeoutSeconds = scenario.timeoutSeconds or 300;
    };

  # One scenario for each way in which a domain starts.
  types =
    scenario:
    map (type: { name = type; } // scenario type) [
      "pvh"
      "pv"
    ];

  scenarioNames = map (lib.removeSuffix ".nix") (attrNames (readDir directory));

  # Scenarios by the names of their checks, as a player takes them.
  scenarios =
    { images, made }:
    lib.genAttrs scenarioNames (
      name:
      map (playable name) (
        import (directory + "/${name}.nix") {
          inherit
            lib
            images
            made
            types
            ;
        }
      )
    );

  # On the test host: `player` is the directory of xen-test.
  onTestHost =
    {
      toolchain,
      player,
      host,
      ...
    }:
    name: played:
    let
      files = lib.imap0 (number: scenario: {
        name = "scenario${toString number}";
        value = builtins.toJSON (scenario // { host = "${host}"; });
      }) played;
    in
    toolchain.derive (
      lib.listToAttrs files
      // {
        name = "xen-${name}";
        programs = [
          "curl"
          "qemu"
        ];
        passAsFile = map (file: file.name) files;
        script = ''
          export HOME=$PWD
          ${player}/bin/xen-test ${toString (map (file: "\"\$${file.name}Path\"") files)}
          : > $out
        '';
      }
    );

  # The check of a scenario, by whoever can play it here.
  check =
    given: name: played:
    if given.host != null then
      onTestHost given name played
    else if given.pkgs != null then
      import ./nixos.nix { inherit lib; inherit (given) pkgs; } name played
    else
      given.skipped "xen-${name}" "there is neither a test host for Xen nor NixOS with the toolchain ${given.toolchain.name}";
in
# Checks `xen-<scenario>`, of what modules/flake.nix gives: `host` is null where there is no test host, `pkgs` where there is
# no nixpkgs.
{ images, made, ... }@given:
lib.mapAttrs' (name: played: lib.nameValuePair "xen-${name}" (check given name played)) (
  scenarios { inherit images made; }
)
