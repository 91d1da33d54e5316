# The configuration that comes with an image is what xl takes: it serves at the address that the network gives it.
{ images, types, ... }:
let
  image = images.httpd;
  domain = image.name;
  page = path: facts: {
    http = {
      inherit domain;
      request = facts // {
        inherit path;
      };
    };
  };
in
types (type: {
  domains.${domain} = {
    inherit image;
    own = true;
  };
  steps = [
    {
      create = {
        inherit domain;
        instead = [ ''type="${type}"'' ];
      };
    }
    (page "/" { length = 612; })
    (page "/files/1MiB.txt" {
      length = 1048576;
      sha256 = "107b265e8f4929e55502f5983fa1aeecf470db365011336380497fbf43603339";
    })
    { dom0.command = "xl shutdown ${domain}"; }
    {
      ends = {
        inherit domain;
        reason = 0;
        withinSeconds = 2;
      };
    }
  ];
})
