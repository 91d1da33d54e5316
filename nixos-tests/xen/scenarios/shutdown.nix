# A domain that is told to shut down does so at once, and says why; a program in C gets to put its things in order first.
{ images, types, ... }:
types (type: {
  name = "a program in C, ${type}";
  domains.web = {
    inherit type;
    image = images.nginx;
    memoryMiB = 64;
  };
  steps = [
    { create.domain = "web"; }
    {
      http = {
        domain = "web";
        request.length = 612;
      };
    }
    { dom0.command = "xl reboot web"; }
    {
      console = {
        domain = "web";
        text = "signal 15 (SIGTERM) received, exiting";
      };
    }
    {
      ends = {
        domain = "web";
        reason = 1;
      };
    }
  ];
})
++ types (type: {
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
