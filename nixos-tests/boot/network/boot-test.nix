let
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
    console = [ "address 10.0.2.15/24" ];
    http = [ { length = 612; } ];
  }
  (refused "no address" "here")
  (refused "no prefix length" "10.0.2.15")
  (refused "a broadcast address" "255.255.255.255/24")
  {
    name = "no card";
    environment.UNICORE_NET = "none";
    console = [ "room virtio-net did not start: the machine has no network card of virtio" ];
    exitStatus = 134;
  }
]
