//! Addresses that the network gives, and peers that mean no good.

use std::vec::Vec;

use iface_net_device::NetDevice;
use iface_net_device::fake::{FakeDevice, WireConfig, wire};
use iface_net_stack::{Duration, IpAddr, Ipv4Addr, NetStack, ResolveError, SocketAddr};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr,
    IpAddress, IpProtocol, Ipv4Packet, Ipv4Repr, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber, UdpPacket,
    UdpRepr,
};

use super::fuzz::{Random, advertisement_of};
use super::world::{TestHandle, World};
use crate::Config;
use crate::stack::Handle;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
const LEASED: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
const FAR_CARD: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 2]);

/// A stack, and the far end of its wire.
fn host(config: &Config, line: &str) -> (&'static World, TestHandle, FakeDevice) {
    let world = World::new();
    let (card, far) = wire(world.events, WireConfig::default());
    let stack = Handle(world.stack(config, line, card));
    (world, stack, far)
}

fn send(far: &mut FakeDevice, to: EthernetAddress, packet: &Ipv4Repr, payload: impl FnOnce(&mut [u8])) {
    let header = EthernetRepr { src_addr: FAR_CARD, dst_addr: to, ethertype: EthernetProtocol::Ipv4 };
    let length = 14 + packet.buffer_len() + packet.payload_len;
    let sent = far.transmit(length, |frame| {
        header.emit(&mut EthernetFrame::new_unchecked(&mut frame[..]));
        packet.emit(&mut Ipv4Packet::new_unchecked(&mut frame[14..]), &ChecksumCapabilities::default());
        payload(&mut frame[34..]);
    });
    sent.expect("the wire takes it");
    far.flush();
}

fn packet(from: Ipv4Addr, to: Ipv4Addr, next_header: IpProtocol, payload_len: usize) -> Ipv4Repr {
    Ipv4Repr { src_addr: from, dst_addr: to, next_header, payload_len, hop_limit: 64 }
}

/// Answers the requests of a DHCP client with the address `offer`.
fn serve_lease(far: &mut FakeDevice, offer: Ipv4Addr, router: Ipv4Addr) {
    while let Some(frame) = far.receive() {
        let frame = EthernetFrame::new_checked(&frame[..]).unwrap();
        let Ok(ip) = Ipv4Packet::new_checked(frame.payload()) else { continue };
        let Ok(udp) = UdpPacket::new_checked(ip.payload()) else { continue };
        let Ok(request) = DhcpPacket::new_checked(udp.payload()) else { continue };
        let Ok(mut reply) = DhcpRepr::parse(&request) else { continue };
        reply.message_type = match reply.message_type {
            DhcpMessageType::Discover => DhcpMessageType::Offer,
            _ => DhcpMessageType::Ack,
        };
        reply.your_ip = offer;
        reply.server_identifier = Some(SERVER);
        reply.router = Some(router);
        reply.subnet_mask = Some(Ipv4Addr::new(255, 255, 255, 0));
        reply.lease_duration = Some(600);
        (reply.requested_ip, reply.client_identifier, reply.parameter_request_list) = (None, None, None);
        reply.max_size = None;
        let datagram = UdpRepr { src_port: 67, dst_port: 68 };
        let ip = packet(SERVER, Ipv4Addr::BROADCAST, IpProtocol::Udp, 8 + reply.buffer_len());
        send(far, EthernetAddress::BROADCAST, &ip, |bytes| {
            datagram.emit(
                &mut UdpPacket::new_unchecked(bytes),
                &IpAddress::from(SERVER),
                &IpAddress::from(Ipv4Addr::BROADCAST),
                reply.buffer_len(),
                |payload| reply.emit(&mut DhcpPacket::new_unchecked(payload)).expect("the reply fits"),
                &ChecksumCapabilities::default(),
            );
        });
    }
}

#[test]
fn a_lease_gives_address_and_gateway() {
    let (world, stack, mut far) = host(&Config { dhcp: true, ..Config::TEST }, "");
    assert!(!stack.addresses().iter().any(|(address, _)| address.is_ipv4()));
    for _ in 0..10 {
        world.step();
        serve_lease(&mut far, LEASED, SERVER);
    }
    assert!(stack.addresses().contains(&(IpAddr::V4(LEASED), 24)), "{:?}", stack.addresses());
    assert!(stack.tcp_connect("192.0.2.1:80".parse().unwrap()).is_ok(), "the gateway is known");
}

#[test]
fn an_address_that_no_host_can_have_is_not_taken() {
    for (offer, router) in
        [(Ipv4Addr::BROADCAST, SERVER), (Ipv4Addr::new(224, 0, 0, 1), SERVER), (LEASED, Ipv4Addr::BROADCAST)]
    {
        let (world, stack, mut far) = host(&Config { dhcp: true, ipv6: false, ..Config::TEST }, "");
        for _ in 0..10 {
            world.step();
            serve_lease(&mut far, offer, router);
        }
        let leased = stack.addresses().contains(&(IpAddr::V4(LEASED), 24));
        assert_eq!(leased, offer == LEASED, "{:?}", stack.addresses());
        assert!(stack.tcp_connect("192.0.2.1:80".parse().unwrap()).is_err(), "there is no gateway");
    }
}

#[test]
fn a_router_gives_address_and_gateway_until_they_expire() {
    let (world, stack, mut far) = host(&Config::TEST, "");
    let remote: SocketAddr = "[2001:db8:1::1]:80".parse().unwrap();
    assert!(stack.tcp_connect(remote).is_err());
    let frame = advertisement_of([0x20, 1], 64, 0xc0, 100, 50, 1);
    far.transmit(frame.len(), |bytes| bytes.copy_from_slice(&frame)).unwrap();
    far.flush();
    world.step();
    let address = "2001::ff:fe00:1".parse().unwrap();
    assert!(stack.addresses().contains(&(address, 64)), "{:?}", stack.addresses());
    assert!(stack.tcp_connect(remote).is_ok());
    world.run_for(Duration::from_secs(51));
    assert!(stack.tcp_connect(remote).is_err(), "the router's time is over");
    world.run_for(Duration::from_secs(50));
    assert!(!stack.addresses().contains(&(address, 64)), "the prefix's time is over");
}

#[test]
fn routers_are_asked_three_times() {
    let (world, _, mut far) = host(&Config::TEST, "ip=10.0.2.15/24");
    world.run_for(Duration::from_secs(60));
    assert_eq!(core::iter::from_fn(|| far.receive()).count(), 3);
}

/// A SYN from a port of a host beyond the wire.
fn syn(far: &mut FakeDevice, source: Ipv4Addr, port: u16) {
    let segment = TcpRepr {
        src_port: port,
        dst_port: 80,
        control: TcpControl::Syn,
        seq_number: TcpSeqNumber(1),
        ack_number: None,
        window_len: 1000,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    };
    let ip = packet(source, LEASED, IpProtocol::Tcp, segment.buffer_len());
    send(far, EthernetAddress([2, 0, 0, 0, 0, 1]), &ip, |bytes| {
        let mut packet = TcpPacket::new_unchecked(bytes);
        segment.emit(&mut packet, &source.into(), &LEASED.into(), &ChecksumCapabilities::default());
    });
}

#[test]
fn a_flood_of_handshakes_takes_no_more_than_the_backlog() {
    let config = Config { sockets: 100, ..Config::TEST };
    let (world, stack, mut far) = host(&config, "ip=10.0.2.15/24 gw=10.0.2.2");
    let listener = stack.tcp_listen(([0; 4], 80).into(), 16).unwrap();
    let mut random = Random(7);
    for _ in 0..20_000 {
        let source = Ipv4Addr::from_bits(0x0b00_0000 | random.next() as u32 & 0xff_ffff);
        syn(&mut far, source, random.next() as u16 | 1);
        if random.one_in(20) {
            world.step();
        }
        assert!(stack.0.engine.borrow().table.len() <= 17);
        while far.receive().is_some() {}
    }
    assert!(stack.tcp_accept(listener).is_err());
    world.run_for(Duration::from_secs(120));
    assert_eq!(stack.0.engine.borrow().table.len(), 1, "handshakes that nobody ends are given up");
}

#[test]
fn names_need_a_server_that_answers() {
    let (_, stack, _far) = host(&Config::TEST, "ip=10.0.2.15/24");
    assert_eq!(stack.resolve("example.org"), Err(ResolveError::NoServer));
    assert_eq!(stack.resolve("fe80::1"), Ok(Vec::from(["fe80::1".parse().unwrap()])));
    let (_, stack, _far) = host(&Config::TEST, "ip=10.0.2.15/24 dns=10.0.2.3");
    assert_eq!(stack.resolve("example.org"), Err(ResolveError::TimedOut));
}
