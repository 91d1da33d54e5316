# A domain sees its store: what is there, what the host changes; and does what the host wishes.
{ images, types, ... }:
types (type: {
  domains.store = {
    inherit type;
    image = images.host-store;
    network = false;
  };
  steps = [
    { create.domain = "store"; }
    {
      console = {
        domain = "store";
        text = "name: store";
      };
    }
    { dom0.command = "xenstore-write /local/domain/$(xl domid store)/data/word hello"; }
    {
      console = {
        domain = "store";
        text = "data/word: hello";
        withinSeconds = 2;
      };
    }
    { dom0.command = "xl reboot store"; }
    {
      ends = {
        domain = "store";
        reason = 1;
        withinSeconds = 2;
      };
    }
    { dom0.command = "xl destroy store"; }
    { create.domain = "store"; }
    {
      console = {
        domain = "store";
        text = "devices: ";
      };
    }
    { dom0.command = "xl shutdown store"; }
    {
      ends = {
        domain = "store";
        reason = 0;
        withinSeconds = 2;
      };
    }
  ];
})
