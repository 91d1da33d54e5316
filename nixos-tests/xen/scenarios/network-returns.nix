# The other end of a network card goes in the middle of downloads, and comes back: they go on, and the domain serves.
{ lib, images, types, ... }:
let
  # As many as take seconds.
  downloads = map (number: "download${toString number}") (lib.range 1 16);
  mebibyte = {
    path = "/files/1MiB.txt";
    length = 1048576;
    sha256 = "107b265e8f4929e55502f5983fa1aeecf470db365011336380497fbf43603339";
  };
  asked = {
    http = {
      domain = "web";
      request = mebibyte;
    };
  };
in
types (type: {
  domains.web = {
    inherit type;
    image = images.httpd;
  };
  steps = [
    { create.domain = "web"; }
    asked
  ]
  ++ map (download: {
    http = {
      domain = "web";
      request = mebibyte;
      meanwhile = download;
    };
  }) downloads
  ++ [
    { dom0.command = "xl network-detach web 0"; }
    {
      console = {
        domain = "web";
        text = "frames are lost until one is back";
      };
    }
    { dom0.command = "xl network-attach web mac=00:16:3e:00:00:01 bridge=xenbr0"; }
  ]
  ++ map (download: { finish.request = download; }) downloads
  ++ [
    asked
    { dom0.command = "xl shutdown web"; }
    {
      ends = {
        domain = "web";
        reason = 0;
      };
    }
  ];
})
