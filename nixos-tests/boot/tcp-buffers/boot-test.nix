let
  serves = [ { length = 612; } ];
in
[
  {
    name = "at log level debug";
    settings = [ "log=debug" ];
    console = [ "TCP buffers: 24 KiB to receive, 16 KiB to send" ];
    absent = [ "16 KiB to receive" ];
    http = serves;
  }
  {
    name = "at the level of the image";
    absent = [ "TCP buffers" ];
    http = serves;
  }
]
