{ lib, mkRoom, ... }:
let
  inherit (lib) mkOption types;
  text =
    description:
    mkOption {
      type = types.nullOr types.str;
      default = null;
      inherit description;
    };
  number =
    low: high: default: description:
    mkOption {
      type = types.ints.between low high;
      inherit default description;
    };
  switch =
    default: description:
    mkOption {
      type = types.bool;
      inherit default description;
    };
in
mkRoom ./. {
  summary = "IPv4, IPv6, TCP, UDP, ICMP, DHCP and DNS over a network card";
  needs = [
    "allocator"
    "clock"
    "entropy"
    "events"
    "net-device"
    "platform"
    "scheduler"
  ];
  provides = [ "net-stack" ];
  after = [ "log" ];
  options = {
    address = text "IPv4 address with prefix length, as `10.0.2.15/24`. `ip=` on the command line takes its place.";
    gateway = text "IPv4 gateway, as `10.0.2.2`; none: only the hosts of the own network are reached. `gw=` on the command line takes its place.";
    address6 = text "IPv6 address with prefix length, as `fd00::15/64`, besides one that a router advertises. `ip=` on the command line takes its place.";
    gateway6 = text "IPv6 gateway, where no router advertises itself. `gw=` on the command line takes its place.";
    dns = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Name servers' addresses; the first three are asked. With an empty list, those of the DHCP lease. `dns=` on the command line takes its place.";
    };
    dhcp = switch true "Ask a DHCP server for an IPv4 address where neither `address` nor `ip=` gives one.";
    dhcpTimeoutS =
      number 1 3600 20
        "Seconds to wait at start for a DHCP lease; the image ends when none came.";
    ipv6 = switch true "Speak IPv6: a link-local address, `address6`, and one that a router advertises.";
    sockets =
      number 1 1000000 4096
        "Most sockets open at once: connections, listeners and UDP sockets.";
    backlog =
      number 1 65535 1024
        "Longest queue of connections that a listener may ask for, in the handshake or not accepted yet.";
    tcpReceiveBufferKiB =
      number 2 16384 16
        "KiB that each connection receives ahead of its reader; the window told to the peer.";
    tcpSendBufferKiB =
      number 2 16384 16
        "KiB that each connection takes to send ahead of the peer's acknowledgement, at least.";
    tcpSendBufferMostKiB =
      number 2 16384 1024
        "KiB that a connection takes at most to send ahead, where memory is plentiful: of a sixteenth of the image's memory, it gets a sixteenth of what other connections have left.";
    udpDatagrams = number 1 4096 16 "Datagrams that each UDP socket keeps in each direction.";
    udpBufferKiB = number 2 16384 16 "KiB of datagrams that each UDP socket keeps in each direction.";
    nagle = switch false "Hold small segments back until earlier ones are acknowledged (RFC 896).";
    ackDelayMs = number 1 500 10 "Milliseconds that an acknowledgement waits for data to go with.";
    congestionControl = mkOption {
      type = types.enum [
        "reno"
        "none"
      ];
      default = "reno";
      description = "How congestion is answered: as RFC 5681 says, or not at all, for a wire of one's own.";
    };
    keepAliveS = mkOption {
      type = types.nullOr (types.ints.between 1 86400);
      default = 7200;
      description = "Seconds of silence after which a connection's peer is probed; it counts as gone after three times as long. `null`: never.";
    };
    deadPeerS =
      number 1 3600 120
        "Seconds that a peer may owe an acknowledgement before it counts as gone.";
    lingerS =
      number 1 3600 60
        "Seconds that a closed connection may take to send what is queued and to end; then it is reset.";
  };
}
