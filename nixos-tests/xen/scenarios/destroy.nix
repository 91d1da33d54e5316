# A domain that is destroyed leaves nothing of it on the host, and can be created again.
{ images, types, ... }:
let
  page.http = {
    domain = "web";
    request.length = 612;
  };
in
types (type: {
  domains.web = {
    inherit type;
    image = images.httpd;
  };
  steps = [
    { create.domain = "web"; }
    page
    { dom0.command = "xl destroy web"; }
    {
      dom0 = {
        command = "xl list web";
        status = 1;
      };
    }
    { dom0.command = "! ls /sys/class/net | grep vif"; }
    { create.domain = "web"; }
    page
  ];
})
