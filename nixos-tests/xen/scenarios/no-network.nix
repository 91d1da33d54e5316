# Without a card the image says what is missing, and ends.
{ images, types, ... }:
types (type: {
  domains.none = {
    inherit type;
    image = images.httpd;
    network = false;
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
  ];
})
