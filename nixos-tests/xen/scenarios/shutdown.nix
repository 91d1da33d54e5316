# A domain that is told to shut down does so at once, and says why.
{ images, types, ... }:
types (type: {
  domains.web = {
    inherit type;
    image = images.httpd;
  };
  steps = [
    { create.domain = "web"; }
    {
      http = {
        domain = "web";
        request.length = 612;
      };
    }
    { dom0.command = "xl shutdown web"; }
    {
      ends = {
        domain = "web";
        reason = 0;
        withinSeconds = 2;
      };
    }
    { dom0.command = "xl destroy web"; }
    { create.domain = "web"; }
    {
      http = {
        domain = "web";
        request.length = 612;
      };
    }
    { dom0.command = "xl reboot web"; }
    {
      ends = {
        domain = "web";
        reason = 1;
        withinSeconds = 2;
      };
    }
  ];
})
