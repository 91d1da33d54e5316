//! Addresses that the network gives, and peers that mean no good.

use core::cell::RefCell;
use std::vec::Vec;

use iface_net_device::fake::{FakeDevice, WireConfig, wire};
use iface_net_device::{Checksums, NetDevice};
use iface_net_stack::{Duration, IpAddr, Ipv4Addr, Ipv6Addr, NetStack, ResolveError, SocketAddr};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr,
    IpAddress, IpProtocol, IpRepr, Ipv4Packet, Ipv4Repr, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber,
    UdpPacket, UdpRepr,
};

use super::fuzz::{Random, advertisement_of};
use super::world::{TestHandle, World};
use crate::settings::is_host;
use crate::stack::Handle;
use crate::{Config, CongestionControl};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
const LEASED: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
const LEASED6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x15);
const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 3);
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

/// Answers the requests of a DHCP client with the address `offer`, in messages that `spoil` may change.
fn serve_lease(
    far: &mut FakeDevice,
    (offer, router): (Ipv4Addr, Ipv4Addr),
    mut spoil: impl FnMut(&mut [u8]),
) {
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
        reply.dns_servers = [NAME_SERVER].as_slice().try_into().ok();
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
                |payload| {
                    reply.emit(&mut DhcpPacket::new_unchecked(&mut *payload)).expect("the reply fits");
                    spoil(payload);
                },
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
        serve_lease(&mut far, (LEASED, SERVER), |_| ());
    }
    assert!(stack.addresses().contains(&(IpAddr::V4(LEASED), 24)), "{:?}", stack.addresses());
    assert!(stack.tcp_connect("192.0.2.1:80".parse().unwrap()).is_ok(), "the gateway is known");
    assert_eq!(stack.name_servers(), [IpAddr::V4(NAME_SERVER)]);
}

#[test]
fn an_address_that_no_host_can_have_is_not_taken() {
    for (offer, router) in
        [(Ipv4Addr::BROADCAST, SERVER), (Ipv4Addr::new(224, 0, 0, 1), SERVER), (LEASED, Ipv4Addr::BROADCAST)]
    {
        let (world, stack, mut far) = host(&Config { dhcp: true, ipv6: false, ..Config::TEST }, "");
        for _ in 0..10 {
            world.step();
            serve_lease(&mut far, (offer, router), |_| ());
        }
        let leased = stack.addresses().contains(&(IpAddr::V4(LEASED), 24));
        assert_eq!(leased, offer == LEASED, "{:?}", stack.addresses());
        assert!(stack.tcp_connect("192.0.2.1:80".parse().unwrap()).is_err(), "there is no gateway");
    }
}

/// Changes some bytes, most often of those that come first or say how long others are.
fn spoil(random: &mut Random, message: &mut [u8]) {
    for _ in 0..random.below(5) {
        let at = random.below(message.len());
        message[at] = match random.below(3) {
            0 => random.next() as u8,
            1 => [0, 1, 0x3f, 0xc0, 0xff][random.below(5)],
            _ => message[at] ^ 1 << random.below(8),
        };
    }
}

#[test]
fn leases_that_make_no_sense_do_no_harm() {
    let mut random = Random(3);
    let mut leased = 0;
    for _ in 0..2000 {
        let (world, stack, mut far) = host(&Config { dhcp: true, ipv6: false, ..Config::TEST }, "");
        for _ in 0..4 {
            world.step();
            serve_lease(&mut far, (LEASED, SERVER), |message| spoil(&mut random, message));
        }
        let addresses = stack.addresses();
        assert!(addresses.iter().all(|(address, _)| is_host(address)), "{addresses:?}");
        leased += addresses.len();
        assert!(stack.tcp_listen(([0; 4], 80).into(), 1).is_ok());
        world.run_for(Duration::from_secs(1));
    }
    assert!((200..2000).contains(&leased), "{leased} leases are neither all nor hardly any");
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
fn syn(far: &mut FakeDevice, source: IpAddress, port: u16) {
    segment(far, source, port, None, None);
}

/// A SYN, or what acknowledges the answer to it; with what it says of the largest segment.
fn segment(
    far: &mut FakeDevice,
    source: IpAddress,
    port: u16,
    acknowledged: Option<TcpSeqNumber>,
    max_seg_size: Option<u16>,
) {
    let segment = TcpRepr {
        src_port: port,
        dst_port: 80,
        control: if acknowledged.is_some() { TcpControl::None } else { TcpControl::Syn },
        seq_number: TcpSeqNumber(if acknowledged.is_some() { 2 } else { 1 }),
        ack_number: acknowledged,
        window_len: 60_000,
        window_scale: None,
        max_seg_size,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    };
    let (to, ethertype) = match source {
        IpAddress::Ipv4(_) => (IpAddress::from(LEASED), EthernetProtocol::Ipv4),
        IpAddress::Ipv6(_) => (IpAddress::from(LEASED6), EthernetProtocol::Ipv6),
    };
    let ip = IpRepr::new(source, to, IpProtocol::Tcp, segment.buffer_len(), 64);
    let header =
        EthernetRepr { src_addr: FAR_CARD, dst_addr: EthernetAddress([2, 0, 0, 0, 0, 1]), ethertype };
    let sent = far.transmit(14 + ip.buffer_len(), |frame| {
        let checksums = ChecksumCapabilities::default();
        header.emit(&mut EthernetFrame::new_unchecked(&mut frame[..]));
        ip.emit(&mut frame[14..], &checksums);
        let mut packet = TcpPacket::new_unchecked(&mut frame[14 + ip.header_len()..]);
        segment.emit(&mut packet, &source, &to, &checksums);
    });
    sent.expect("the wire takes it");
    far.flush();
}

/// A flood of handshakes, from the sources that `source` makes of random numbers, takes no more than the backlog.
fn flood(source: impl Fn(u64) -> IpAddress) {
    let config = Config { sockets: 100, ..Config::TEST };
    let line = "ip=10.0.2.15/24 gw=10.0.2.2 ip=fd00::15/64 gw=fd00::2";
    let (world, stack, mut far) = host(&config, line);
    let listener = stack.tcp_listen((Ipv6Addr::UNSPECIFIED, 80).into(), 16).unwrap();
    let mut random = Random(7);
    let mut most = 0;
    for _ in 0..20_000 {
        syn(&mut far, source(random.next()), random.next() as u16 | 1);
        if random.one_in(20) {
            world.step();
        }
        most = most.max(stack.0.engine.borrow().table.len());
        while far.receive().is_some() {}
    }
    assert_eq!(most, 17, "the listener and its backlog");
    assert!(stack.tcp_accept(listener).is_err());
    world.run_for(Duration::from_secs(120));
    assert_eq!(stack.0.engine.borrow().table.len(), 1, "handshakes that nobody ends are given up");
}

#[test]
fn nobody_else_has_an_address_of_this_host() {
    let line = "ip=10.0.2.15/24 gw=10.0.2.2 ip=fd00::15/64 gw=fd00::2";
    let (world, stack, mut far) = host(&Config::TEST, line);
    let listener = stack.tcp_listen((Ipv6Addr::UNSPECIFIED, 80).into(), 16).unwrap();
    let own: [IpAddress; 4] =
        [LEASED.into(), Ipv4Addr::LOCALHOST.into(), LEASED6.into(), Ipv6Addr::LOCALHOST.into()];
    for source in own {
        syn(&mut far, source, 1000);
        world.step();
        assert_eq!(stack.0.engine.borrow().table.len(), 1, "a connection from {source}");
    }
    // A connection of its own hears nothing from outside.
    let client = stack.tcp_connect((LEASED, 80).into()).unwrap();
    world.step();
    let (server, peer) = stack.tcp_accept(listener).unwrap();
    syn(&mut far, LEASED.into(), peer.port());
    world.step();
    assert_eq!(stack.send(client, b"still"), Ok(5));
    world.step();
    assert_eq!(stack.recv(server, &mut [0; 9]), Ok(5));
}

/// The sequence number of the answer to a SYN, from the frames that the far end has.
fn answered(far: &mut FakeDevice) -> Option<TcpSeqNumber> {
    let numbers = core::iter::from_fn(|| far.receive()).filter_map(|frame| {
        let frame = EthernetFrame::new_checked(&frame[..]).ok()?;
        let ip = Ipv4Packet::new_checked(frame.payload()).ok()?;
        let segment = TcpPacket::new_checked(ip.payload()).ok()?;
        (segment.syn() && segment.ack()).then(|| segment.seq_number())
    });
    numbers.last()
}

#[test]
fn a_handshake_does_not_end_as_the_image_was_kept_from_running() {
    let (world, stack, mut far) = host(&Config::TEST, "ip=10.0.2.15/24 gw=10.0.2.3");
    let listener = stack.tcp_listen((Ipv6Addr::UNSPECIFIED, 80).into(), 1).unwrap();
    let peer = IpAddress::from(NAME_SERVER);
    syn(&mut far, peer, 1000);
    world.step();
    let reply = core::iter::from_fn(|| far.receive()).find_map(|frame| arp_reply(&frame)).expect("a request");
    far.transmit(reply.len(), |frame| frame.copy_from_slice(&reply)).unwrap();
    far.flush();
    world.step();
    let number = answered(&mut far).expect("an answer");
    // Both come while nothing runs here, the one that asks for the place first.
    syn(&mut far, peer, 1001);
    segment(&mut far, peer, 1000, Some(number + 1), None);
    world.events.clock().advance(Duration::from_secs(1));
    world.step();
    assert!(stack.tcp_accept(listener).is_ok());
    // One that nobody goes on with makes place, for a peer that asks again.
    syn(&mut far, peer, 1002);
    world.run_for(Duration::from_millis(200));
    syn(&mut far, peer, 1003);
    world.run_for(Duration::from_millis(200));
    answered(&mut far);
    syn(&mut far, peer, 1003);
    world.step();
    let number = answered(&mut far).expect("an answer");
    segment(&mut far, peer, 1003, Some(number + 1), None);
    world.step();
    assert!(stack.tcp_accept(listener).is_ok());
}

#[test]
fn a_flood_from_all_over_ipv4() {
    flood(|random| Ipv4Addr::from_bits(0x0b00_0000 | random as u32 & 0xff_ffff).into());
}

#[test]
fn a_flood_from_all_over_ipv6() {
    flood(|random| Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(random)).into());
}

#[test]
fn a_flood_from_neighbors_that_are_not_there() {
    flood(|random| Ipv6Addr::from_bits(0xfd00 << 112 | u128::from(random)).into());
}

/// The answer of `10.0.2.3` to who asks for its card (RFC 826).
fn arp_reply(request: &[u8]) -> Option<Vec<u8>> {
    let is_request = request.get(12..14)? == [8, 6] && request.get(20..22)? == [0, 1];
    let asked = request.get(38..42)?;
    (is_request && asked == NAME_SERVER.octets()).then(|| {
        let (asker, card) = (&request[22..32], FAR_CARD.0);
        [&asker[..6], &card, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 2], &card, asked, asker].concat()
    })
}

/// The address of the question in a DNS message, as an answer (RFC 1035, section 4.1).
fn dns_answer(query: &[u8], kind: u16, address: &[u8]) -> Vec<u8> {
    let mut message = query.to_vec();
    (message[2], message[3], message[7]) = (0x81, 0x80, 1);
    message.extend([0xc0, 12]);
    message.extend(kind.to_be_bytes());
    message.extend([0, 1, 0, 0, 0, 60, 0, address.len() as u8]);
    message.extend(address);
    message
}

/// Answers what comes for the name server with what `answer` makes of each query.
fn serve_names(far: &mut FakeDevice, mut answer: impl FnMut(&[u8]) -> Vec<u8>) {
    while let Some(frame) = far.receive() {
        if let Some(reply) = arp_reply(&frame) {
            far.transmit(reply.len(), |frame| frame.copy_from_slice(&reply)).expect("the wire takes it");
            far.flush();
        }
        let Ok(ip) = Ipv4Packet::new_checked(&frame[14..]) else { continue };
        let Ok(udp) = UdpPacket::new_checked(ip.payload()) else { continue };
        if ip.dst_addr() != NAME_SERVER || udp.dst_port() != 53 {
            continue;
        }
        let message = answer(udp.payload());
        let datagram = UdpRepr { src_port: 53, dst_port: udp.src_port() };
        let ip = packet(NAME_SERVER, ip.src_addr(), IpProtocol::Udp, 8 + message.len());
        send(far, EthernetAddress([2, 0, 0, 0, 0, 1]), &ip, |bytes| {
            datagram.emit(
                &mut UdpPacket::new_unchecked(bytes),
                &IpAddress::from(ip.src_addr),
                &IpAddress::from(ip.dst_addr),
                message.len(),
                |payload| payload.copy_from_slice(&message),
                &ChecksumCapabilities::default(),
            );
        });
    }
}

#[test]
fn names_are_found() {
    let (world, stack, far) = host(&Config::TEST, "ip=10.0.2.15/24 ip=fd00::15/64 dns=10.0.2.3");
    let far = RefCell::new(far);
    world.join(move || {
        serve_names(&mut far.borrow_mut(), |query| match query[query.len() - 3] {
            1 => dns_answer(query, 1, &[192, 0, 2, 7]),
            _ => dns_answer(query, 28, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]),
        });
    });
    let found = ["192.0.2.7", "2001:db8::9"].map(|address| address.parse::<IpAddr>().unwrap());
    assert_eq!(stack.resolve("example.org"), Ok(found.to_vec()));
}

#[test]
fn answers_that_make_no_sense_do_no_harm() {
    let (world, stack, far) = host(&Config { ipv6: false, ..Config::TEST }, "ip=10.0.2.15/24 dns=10.0.2.3");
    let (far, random) = (RefCell::new(far), RefCell::new(Random(11)));
    world.join(move || {
        let random = &mut random.borrow_mut();
        serve_names(&mut far.borrow_mut(), |query| {
            let mut message = dns_answer(query, 1, &[192, 0, 2, 7]);
            spoil(random, &mut message);
            if random.one_in(8) {
                message.truncate(random.below(message.len()));
            }
            message
        });
    });
    let mut found = 0;
    for _ in 0..1000 {
        found += u32::from(stack.resolve("example.org").is_ok());
    }
    assert!((200..1000).contains(&found), "{found} answers are neither all nor hardly any");
}

#[test]
fn names_need_a_server_that_answers() {
    let (_, stack, _far) = host(&Config::TEST, "ip=10.0.2.15/24");
    assert_eq!(stack.resolve("example.org"), Err(ResolveError::NoServer));
    assert_eq!(stack.resolve("fe80::1"), Ok(Vec::from(["fe80::1".parse().unwrap()])));
    let (_, stack, _far) = host(&Config::TEST, "ip=10.0.2.15/24 dns=10.0.2.3");
    assert_eq!(stack.resolve("example.org"), Err(ResolveError::TimedOut));
}

#[test]
fn segments_that_the_card_cuts_are_as_long_as_the_peer_takes() {
    let quality = WireConfig {
        checksums: Checksums { receive: false, transmit: true },
        longest_segments: 65_549,
        transmit_slots: 4096,
        receive_slots: 4096,
        ..WireConfig::default()
    };
    // What the peer says, and what it gets: never nothing, no more than the wire takes (1460), and 536 where it does not
    // say (RFC 9293, section 3.7.1).
    for (told, longest) in [
        (None, 536),
        (Some(0), 536),
        (Some(1), 48),
        (Some(700), 700),
        (Some(1460), 1460),
        (Some(65_535), 1460),
    ] {
        let world = World::new();
        let (card, mut far) = wire(world.events, quality);
        let config =
            Config { tcp_send_buffer_kib: 64, congestion_control: CongestionControl::None, ..Config::TEST };
        let stack = Handle(world.stack(&config, "ip=10.0.2.15/24", card));
        let listener = stack.tcp_listen((Ipv6Addr::UNSPECIFIED, 80).into(), 1).unwrap();
        let peer = IpAddress::from(NAME_SERVER);
        segment(&mut far, peer, 1000, None, told);
        world.step();
        let reply =
            core::iter::from_fn(|| far.receive()).find_map(|frame| arp_reply(&frame)).expect("a request");
        far.transmit(reply.len(), |frame| frame.copy_from_slice(&reply)).unwrap();
        far.flush();
        world.step();
        let number = answered(&mut far).expect("an answer");
        segment(&mut far, peer, 1000, Some(number + 1), None);
        world.step();
        let (socket, _) = stack.tcp_accept(listener).unwrap();
        let bytes: Vec<u8> = (0..50_000_u32).map(|at| (at / 7) as u8).collect();
        assert_eq!(stack.send(socket, &bytes), Ok(bytes.len()));
        world.step();
        assert!(far.wire().counters().segments > 50_000 / 1460, "the card cut them");
        let mut next = 0;
        for frame in core::iter::from_fn(|| far.receive()) {
            assert!(frame.len() <= 1514);
            let frame = EthernetFrame::new_checked(&frame[..]).unwrap();
            let Ok(ip) = Ipv4Packet::new_checked(frame.payload()) else { continue };
            assert!(ip.verify_checksum());
            let tcp = TcpPacket::new_checked(ip.payload()).unwrap();
            assert!(tcp.payload().len() <= longest, "{} bytes to {told:?}", tcp.payload().len());
            assert_eq!(tcp.seq_number(), number + 1 + next);
            assert_eq!(tcp.payload(), &bytes[next..next + tcp.payload().len()]);
            next += tcp.payload().len();
        }
        assert_eq!(next, bytes.len());
    }
}
