# Without a card, and with one whose bridge is not there: the image says what is missing, and ends.
{ images, types, ... }:
types (type: {
  domains = {
    none = {
      inherit type;
      image = images.httpd;
      network = false;
    };
    astray = {
      inherit type;
      image = images.httpd;
      bridge = "nowhere";
    };
  };
  steps = [
    { create.domain = "none"; }
    {
      console = {
        domain = "none";
        text = "room netfront did not start";
      };
    }
    {
      ends = {
        domain = "none";
        reason = 3;
      };
    }
    {
      create = {
        domain = "astray";
        refusal = "nowhere";
      };
    }
  ];
})
