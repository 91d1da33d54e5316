# The other end of a disk goes while the disk is written and read, and comes back: the domain notices nothing but a pause, and
# the host finds what was written.
{
  images,
  made,
  types,
  ...
}:
let
  disk = "format=raw,vdev=xvda,access=rw,script=block,target=/files/lines";
  written = "05a7836be48ef3dd939215786b00fe23d3af7a5c46939322e057c48fb1e8146f";
  times = 40;
in
types (type: {
  domains.probe = {
    inherit type;
    image = images.disk;
    network = false;
    disks = [ disk ];
    settings = [
      "--"
      "read"
      "write"
      "read-${toString times}"
    ];
  };
  files.lines = made "seq 1000000 1524287 > $out";
  steps = [
    { create.domain = "probe"; }
    {
      console = {
        domain = "probe";
        text = "read again, 1";
      };
    }
    { dom0.command = "xl block-detach probe xvda"; }
    { dom0.command = "xl block-attach probe ${disk}"; }
    {
      console = {
        domain = "probe";
        text = "read again, ${toString (times - 1)}";
        withinSeconds = 80;
      };
    }
    {
      dom0 = {
        command = "sync; sha256sum /files/lines";
        text = written;
      };
    }
    {
      ends = {
        domain = "probe";
        reason = 0;
      };
    }
  ];
})
