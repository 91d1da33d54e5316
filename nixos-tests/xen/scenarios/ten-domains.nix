# Ten domains at once, started both ways, each with its own address; all serve, and all end.
{ lib, images, ... }:
let
  numbers = lib.range 0 9;
  nameOf = number: "web${toString number}";
  each = step: map (number: step (nameOf number)) numbers;
in
[
  {
    domains = lib.listToAttrs (
      map (number: {
        name = nameOf number;
        value = {
          image = images.httpd;
          type = if number - number / 2 * 2 == 0 then "pvh" else "pv";
          address = "10.0.2.${toString (20 + number)}";
          mac = "00:16:3e:00:00:1${toString number}";
        };
      }) numbers
    );
    steps =
      each (domain: { create = { inherit domain; }; })
      ++ each (domain: {
        http = {
          inherit domain;
          request = {
            path = "/files/1MiB.txt";
            sha256 = "107b265e8f4929e55502f5983fa1aeecf470db365011336380497fbf43603339";
          };
        };
      })
      ++ each (domain: { dom0.command = "xl shutdown ${domain}"; })
      ++ each (domain: {
        ends = {
          inherit domain;
          reason = 0;
        };
      });
  }
]
