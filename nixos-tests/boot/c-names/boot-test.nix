[
  {
    name = "a name server of the command line";
    settings = [
      "ip=10.0.2.15/24"
      "dns=10.0.2.15"
    ];
    arguments = [ "ask" ];
    console = [
      "name.test: 192.0.2.7"
      "name.test: 2001:db8::7"
      "name.test by IPv4 alone: 192.0.2.7"
      "other.test: Name does not resolve"
    ];
  }
  {
    name = "a name server of a lease";
    settings = [ "ip=dhcp" ];
    arguments = [ "lease" ];
    console = [ "nameserver 10.0.2.3" ];
  }
]
