# Domains that are destroyed while they write to a disk: what they said to be synchronized is there for the next one.
{
  lib,
  images,
  made,
  types,
  ...
}:
let
  disk = "format=raw,vdev=xvda,access=rw,script=block,target=/files/disk";
  consoles = "/var/log/xen/console";

  # Whether the reader finds as much as the writer told of; $1 is what the reader calls it. The last line of a console may have
  # been cut too: then it has a smaller number.
  compare = builtins.toFile "compare" ''
    number() {
        sed -n "s/^$2 \([0-9]*\)$3.*/\1/p" ${consoles}/guest-$1.log | tail -n 1
    }
    told=$(number writer synchronized)
    there=$(number reader 'there are' " $1")
    echo "told of $told, found $there"
    [ "''${told:-0}" -gt 0 ] && [ "''${there:-0}" -ge "$told" ]
  '';

  # What a writer may get done before it is destroyed, in microseconds.
  delays = [
    50000
    700000
  ];

  cut =
    { whole, delay }:
    [
      { dom0.command = "rm -f ${consoles}/guest-*.log"; }
      { create.domain = "writer"; }
      {
        console = {
          domain = "writer";
          text = "synchronized";
          withinSeconds = 60;
        };
      }
      { dom0.command = "usleep ${toString delay}; xl destroy writer"; }
      { create.domain = "reader"; }
      {
        ends = {
          domain = "reader";
          reason = 0;
          withinSeconds = 60;
        };
      }
      { dom0.command = "xl destroy reader; sh /files/compare ${whole}"; }
    ];

  scenario =
    {
      name,
      image,
      write,
      read,
      whole,
    }:
    types (
      type:
      let
        domainThat = does: {
          inherit type image;
          network = false;
          memoryMiB = 64;
          disks = [ disk ];
          settings = [
            "--"
            does
          ];
        };
      in
      {
        name = "${name}, ${type}";
        domains = {
          writer = domainThat write;
          reader = domainThat read;
        };
        files = {
          inherit compare;
          disk = made "sh ${../../fixtures/empty-fat} $out";
        };
        steps = lib.concatMap (delay: cut { inherit whole delay; }) delays;
        timeoutSeconds = 600;
      }
    );
in
scenario {
  name = "records";
  image = images.power-cut;
  write = "write-100000";
  read = "check";
  whole = "records";
}
++ scenario {
  name = "SQLite";
  image = images.sqlite-pairs;
  write = ''\".read /pairs.sql\"'';
  read = ''\".read /count.sql\"'';
  whole = "whole";
}
