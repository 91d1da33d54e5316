# A domain that is told to shut down does so at once, and says why; a program in C gets to put its things in order first.
{ images, types, ... }:
let
  # Starts the domain and sees that it serves.
  serves = [
    { create.domain = "web"; }
    {
      http = {
        domain = "web";
        request.length = 612;
      };
    }
  ];
  # It ends for that reason; `more` may say how soon.
  ends = reason: more: {
    ends = {
      domain = "web";
      inherit reason;
    }
    // more;
  };
  atOnce.withinSeconds = 2;
in
types (type: {
  name = "a program in C, ${type}";
  domains.web = {
    inherit type;
    image = images.nginx;
    memoryMiB = 64;
  };
  steps = serves ++ [
    { dom0.command = "xl reboot web"; }
    {
      console = {
        domain = "web";
        text = "signal 15 (SIGTERM) received, exiting";
      };
    }
    (ends 1 { })
  ];
})
++ types (type: {
  domains.web = {
    inherit type;
    image = images.httpd;
  };
  steps =
    serves
    ++ [
      { dom0.command = "xl shutdown web"; }
      (ends 0 atOnce)
      { dom0.command = "xl destroy web"; }
    ]
    ++ serves
    ++ [
      { dom0.command = "xl reboot web"; }
      (ends 1 atOnce)
    ];
})
