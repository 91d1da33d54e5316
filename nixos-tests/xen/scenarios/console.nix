# `xl console` shows what a domain says, and what is typed at its terminal reaches the image. Without a terminal of its own,
# as here, `xl console` itself takes no input.
{ images, types, ... }:
types (type: {
  domains.typist = {
    inherit type;
    image = images.typing;
    network = false;
  };
  steps = [
    { create.domain = "typist"; }
    {
      console = {
        domain = "typist";
        text = "say something";
      };
    }
    { dom0.command = "echo 'a line' >$(xenstore-read /local/domain/$(xl domid typist)/console/tty)"; }
    {
      console = {
        domain = "typist";
        text = "you said: a line";
      };
    }
    {
      dom0 = {
        command = "timeout 2 xl console typist; true";
        text = "you said: a line";
      };
    }
    {
      ends = {
        domain = "typist";
        reason = 0;
      };
    }
  ];
})
