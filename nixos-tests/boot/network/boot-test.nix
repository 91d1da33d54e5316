{ platform, ... }:
let
  # The address that the network gives, and what is said without a card.
  own =
    {
      kvm = {
        address = "10.0.2.15/24";
        missing = "room virtio-net did not start: the machine has no network card of virtio";
      };
      xen = {
        address = "10.0.2.16/24";
        missing = "room netfront did not start: the domain has no network interface";
      };
    }
    .${platform};
  refused = name: ip: {
    inherit name;
    settings = [ "ip=${ip}" ];
    console = [ "room tcpip did not start: ip=${ip} is not `dhcp`, or an address" ];
    exitStatus = 134;
  };
in
[
  {
    name = "an address by DHCP";
    settings = [ "ip=dhcp" ];
    console = [ "address ${own.address}" ];
    http = [ { length = 612; } ];
  }
  (refused "no address" "here")
  (refused "no prefix length" "10.0.2.15")
  (refused "a broadcast address" "255.255.255.255/24")
  {
    name = "no card";
    environment.UNICORE_NET = "none";
    console = [ own.missing ];
    exitStatus = 134;
  }
]
