# The Xen test host: Debian's Xen and a small dom0, and the program that boots them in QEMU (./README.md).
#
# `null` where the toolchain has no packages of Debian's to make it of.
{
  # As modules/toolchain.nix describes it; `debs` is what hosts/debian/record-packages fetched, by name.
  toolchain,
  # Host tools by name: pack.
  tools,
}:
let
  inherit (builtins) attrNames attrValues filter match;

  debs = toolchain.debs or { };
  named = pattern: filter (name: match pattern name != null) (attrNames debs);
  isComplete =
    toolchain.system == "x86_64-linux"
    && named "xen-hypervisor-.*" != [ ]
    && named "linux-image-.*" != [ ]
    && named "busybox-static" != [ ];

  host = toolchain.derive {
    name = "xen-test-host";
    debs = attrValues debs;
    dom0 = ./dom0;
    programs = [ "qemu" ];
    script = ''
      mkdir -p $out/bin $out/lib
      sh ${./assemble.sh} "$dom0" $out/lib
      ${tools.pack}/bin/pack tree dom0 --out $out/lib/initrd
      sed -e "s|@lib@|$out/lib|" -e "s|@pack@|${tools.pack}/bin/pack|" \
          -e "s|@paging@|$(cat $out/lib/paging)|" ${./test-host.sh} > $out/bin/test-host
      chmod +x $out/bin/test-host
      $out/bin/test-host save --timeout 600 $out/lib/saved
    '';
  };

  tests = toolchain.derive {
    name = "xen-test-host-tests";
    inherit host;
    tests = ./tests;
    programs = [
      "curl"
      "qemu"
    ];
    script = ''
      "$tests/run" "$host"
      : > $out
    '';
  };
in
if isComplete then host // { inherit tests; } else null
