{ packTree, made, ... }:
let
  tree = packTree ../../../examples/httpd/www;
  refused = name: said: initrd: {
    inherit name;
    initrd = "${initrd}";
    console = [ "room rootfs did not start: initrd: ${said}" ];
    exitStatus = 134;
  };
in
[
  {
    name = "given";
    initrd = "${tree}";
    http = [ { length = 612; } ];
  }
  {
    name = "not given";
    console = [ "room rootfs did not start: there is no root image" ];
    exitStatus = 134;
  }
  (refused "cut within a file" "entry 1 at offset 0x0: data ends beyond the image" (
    made "head -c 300 ${tree} > $out"
  ))
  (refused "without its trailer" "entry 2 at offset 0x2e0: the image ends without a trailer" (
    made "head -c -124 ${tree} > $out"
  ))
  (refused "no archive" "entry 1 at offset 0x0: it does not begin with 070701" (made "tr 7 8 < ${tree} > $out"))
]
