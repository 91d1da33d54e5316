# Four MiB of lines, read and overwritten.
{ made, platform, ... }:
let
  refusal = {
    kvm = "room virtio-blk did not start: the machine has no disk of virtio";
    linux = "room file-disk did not start: no disk was given";
    xen = "room blkfront did not start: the domain has no disk";
  };
  lines = made "seq 1000000 1524287 > $out";
  disk = writable: [
    {
      file = lines;
      inherit writable;
    }
  ];
  held = "read sha256 101b238725dad6a73536a27e8143a090685eb9b2de74ca51556b15f116eee751";
in
[
  {
    name = "writable";
    disks = disk true;
    arguments = [
      "read"
      "write"
      "read-3"
      "measure"
    ];
    console = [
      "a writable disk of 8192 blocks of 512 bytes"
      held
      "written sha256 05a7836be48ef3dd939215786b00fe23d3af7a5c46939322e057c48fb1e8146f"
      "read sha256 05a7836be48ef3dd939215786b00fe23d3af7a5c46939322e057c48fb1e8146f"
      "read again, 2"
      "writes by 1024 KiB: "
    ];
  }
  {
    name = "read-only";
    disks = disk false;
    arguments = [
      "refused"
      "read"
    ];
    console = [
      "a read-only disk of 8192 blocks of 512 bytes"
      "a write is refused"
      held
    ];
  }
  {
    name = "no disk";
    console = [ refusal.${platform} ];
    exitStatus = 134;
  }
  {
    name = "a misspelt argument";
    disks = disk false;
    arguments = [ "raed" ];
    exitStatus = 1;
  }
]
