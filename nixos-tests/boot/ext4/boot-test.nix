# Files of an image that mke2fs made; it is kept as its blocks of 1 KiB, each behind its number.
{ made, ... }:
let
  blocks = ../../../crates/ext4/src/images/checksums.blocks;
  disk = made ''
    truncate -s 256K $out
    count=$(($(wc -c <${blocks}) / 1028))
    for kept in $(seq 0 $((count - 1))); do
        number=$(od -A n -t u4 -j $((kept * 1028)) -N 4 ${blocks})
        tail -c +$((kept * 1028 + 5)) ${blocks} | head -c 1024 |
            dd of=$out bs=1024 seek=$((number)) conv=notrunc status=none
    done
  '';
in
[
  {
    disks = [
      {
        file = disk;
        writable = false;
      }
    ];
    http = [
      {
        path = "/lines";
        length = 20434;
        sha256 = "7af801fc9d6a99fc80c0e1c7c359c6e1aacebc3d3358bcc3decd0e9e7ff4479a";
      }
      {
        path = "/lines";
        requestHeaders.Range = "bytes=20000-20032";
        status = 206;
        length = 33;
      }
      {
        path = "/etc/conf/name";
        text = "unicore";
      }
      {
        path = "/directory/conf/name";
        text = "unicore";
      }
      {
        path = "/missing";
        status = 404;
      }
    ];
  }
  {
    name = "an empty disk";
    disks = [
      {
        file = made "truncate -s 1M $out";
        writable = false;
      }
    ];
    console = [ "room ext4 did not start: the disk holds no ext4 file system" ];
    exitStatus = 134;
  }
]
