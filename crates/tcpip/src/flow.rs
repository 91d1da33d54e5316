//! Which conversation a frame belongs to, read from its headers before the protocols look at it.
//!
//! Only what finding the socket takes is read here, and nothing is trusted: a frame that is cut short or makes no
//! sense is left to the protocols, which refuse it.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use iface_net_stack::Binding;

/// Length of an Ethernet header (IEEE 802.3).
pub const ETHERNET_HEADER: usize = 14;

const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const ETHERTYPE_ARP: [u8; 2] = [0x08, 0x06];
const ETHERTYPE_IPV6: [u8; 2] = [0x86, 0xdd];
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// Type and code of "port unreachable" (RFC 792; RFC 4443, section 3.1), and bytes before the packet that it is about.
const PORT_UNREACHABLE: [u8; 2] = [3, 3];
const PORT_UNREACHABLE6: [u8; 2] = [1, 4];
const ICMP_HEADER: usize = 8;

/// Flags of a TCP header (RFC 9293, section 3.1).
pub mod flag {
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const ACK: u8 = 0x10;
}

/// A transport protocol, by its number in the IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP, RFC 9293.
    Tcp = 6,
    /// UDP, RFC 768.
    Udp = 17,
}

/// An end at each address of IPv4, whose own unspecified address this is.
const ANY_IPV4: u128 = 0xffff_0000_0000;
/// An end at each address of IPv6 alone: an address that no host has.
const ANY_IPV6: u128 = u128::MAX;

/// Both ends of a conversation. IPv4 addresses are mapped into IPv6's (RFC 4291, section 2.5.5.2); an end that is
/// open is all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    local: u128,
    remote: u128,
    /// The transport's number, the local port, the remote port.
    ports: u64,
}

impl Flow {
    /// Between two ends.
    pub fn between(transport: Transport, local: (IpAddr, u16), remote: (IpAddr, u16)) -> Self {
        Self::new(transport, (as_bits(local.0), local.1), (as_bits(remote.0), remote.1))
    }

    /// From anyone to where a socket is bound.
    pub fn to(transport: Transport, binding: &Binding) -> Self {
        let (address, port) = (binding.address.ip(), binding.address.port());
        let bits = match address {
            IpAddr::V6(address) if address.is_unspecified() && binding.ipv6_only => ANY_IPV6,
            address => as_bits(address),
        };
        Self::new(transport, (bits, port), (0, 0))
    }

    const fn new(transport: Transport, local: (u128, u16), remote: (u128, u16)) -> Self {
        let ports = (transport as u64) << 32 | (local.1 as u64) << 16 | remote.1 as u64;
        Self { local: local.0, remote: remote.0, ports }
    }

    /// The same local end with the remote one open.
    pub const fn with_any_remote(self) -> Self {
        Self { remote: 0, ports: self.ports & !0xffff, ..self }
    }

    /// The same local port with all else open but the version.
    pub const fn with_any_address_of_version(self) -> Self {
        let local = if self.local >> 32 == ANY_IPV4 >> 32 { ANY_IPV4 } else { ANY_IPV6 };
        Self { local, ..self.with_any_remote() }
    }

    /// The same local port with all else open.
    pub const fn with_any_address(self) -> Self {
        Self { local: 0, ..self.with_any_remote() }
    }

    /// This host's end.
    pub fn local(&self) -> (IpAddr, u16) {
        (from_bits(self.local), (self.ports >> 16) as u16)
    }

    /// The other end.
    pub fn remote(&self) -> (IpAddr, u16) {
        (from_bits(self.remote), self.ports as u16)
    }
}

fn as_bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn from_bits(bits: u128) -> IpAddr {
    Ipv6Addr::from_bits(bits).to_canonical()
}

/// Two secret numbers that keep a peer from choosing flows that collide.
#[derive(Clone, Copy, Debug)]
pub struct FlowHash(pub [u64; 2]);

impl FlowHash {
    /// Multiplies and folds, word by word.
    pub fn of(&self, flow: &Flow) -> u64 {
        let local = (flow.local as u64) ^ ((flow.local >> 64) as u64).rotate_left(17);
        let high = (flow.remote >> 64) as u64;
        let mixed = fold(flow.remote as u64 ^ self.0[0], flow.ports ^ self.0[1]);
        fold(mixed ^ local, high ^ self.0[1] | 1)
    }
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peek {
    /// A TCP segment.
    Tcp(Segment),
    /// A UDP datagram.
    Udp(Flow),
    /// Tells that nobody receives the datagrams of a conversation: their host has nobody at that port.
    Refusal(Flow),
    /// ARP or ICMPv6: may tell where a neighbor is.
    Neighbor,
    /// Anything else that the protocols may want to see.
    Other,
    /// Part of a packet that was cut into fragments, which this stack does not join.
    Fragment,
}

/// What finding a TCP segment's connection takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The connection.
    pub flow: Flow,
    /// Control flags.
    pub flags: u8,
    /// Sequence number of the first byte.
    pub sequence: u32,
    /// Bytes carried.
    pub payload: usize,
    /// The sender's window, not scaled.
    pub window: u16,
}

impl Segment {
    /// Whether it asks for a new connection.
    pub const fn opens(&self) -> bool {
        self.flags & (flag::SYN | flag::ACK | flag::RST) == flag::SYN
    }

    /// Whether it does nothing but acknowledge.
    pub const fn only_acknowledges(&self) -> bool {
        self.payload == 0 && self.flags & (flag::SYN | flag::FIN | flag::RST) == 0
    }
}

/// Looks at a received frame of Ethernet.
pub fn peek(frame: &[u8]) -> Peek {
    match frame.get(12..ETHERNET_HEADER) {
        Some(kind) if kind == ETHERTYPE_IPV4 => peek_ipv4(&frame[ETHERNET_HEADER..]).unwrap_or(Peek::Other),
        Some(kind) if kind == ETHERTYPE_IPV6 => peek_ipv6(&frame[ETHERNET_HEADER..]).unwrap_or(Peek::Other),
        Some(kind) if kind == ETHERTYPE_ARP => Peek::Neighbor,
        _ => Peek::Other,
    }
}

/// Looks at a packet of IP without a header before it.
pub fn peek_packet(packet: &[u8]) -> Peek {
    let peeked = match packet.first().map(|first| first >> 4) {
        Some(4) => peek_ipv4(packet),
        Some(6) => peek_ipv6(packet),
        _ => None,
    };
    peeked.unwrap_or(Peek::Other)
}

/// RFC 791, section 3.1.
fn peek_ipv4(packet: &[u8]) -> Option<Peek> {
    let header: &[u8; 20] = packet.first_chunk()?;
    let more_fragments_or_offset = u16::from_be_bytes([header[6], header[7]]) & 0x3fff;
    if more_fragments_or_offset != 0 {
        return Some(Peek::Fragment);
    }
    let header_length = usize::from(header[0] & 0x0f) * 4;
    let total_length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let payload = packet.get(header_length..total_length)?;
    let address = |at: usize| {
        let [a, b, c, d] = [header[at], header[at + 1], header[at + 2], header[at + 3]];
        0xffff_0000_0000 | u128::from(Ipv4Addr::new(a, b, c, d).to_bits())
    };
    if header[9] == ICMP && payload.starts_with(&PORT_UNREACHABLE) {
        return refused(payload, 20);
    }
    peek_transport(header[9], payload, address(16), address(12))
}

/// RFC 8200, section 3.
fn peek_ipv6(packet: &[u8]) -> Option<Peek> {
    let header: &[u8; 40] = packet.first_chunk()?;
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let payload = packet.get(40..40 + length)?;
    let address = |at: usize| header[at..at + 16].try_into().map(u128::from_be_bytes).ok();
    if header[6] == ICMPV6 {
        let refusal = payload.starts_with(&PORT_UNREACHABLE6).then(|| refused(payload, 40)).flatten();
        return Some(refusal.unwrap_or(Peek::Neighbor));
    }
    peek_transport(header[6], payload, address(24)?, address(8)?)
}

/// The conversation of a datagram of this host's that came back in a message, behind an IP header of `length` bytes.
fn refused(message: &[u8], length: usize) -> Option<Peek> {
    let packet = message.get(ICMP_HEADER..)?;
    let [a, b, c, d] = *packet.get(length..)?.first_chunk()?;
    let (own, other) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let address = |at: usize, size: usize| packet.get(at..at + size);
    let (protocol, from, to) = match packet[0] {
        0x45 if length == 20 => {
            let mapped = |at| {
                Some(0xffff_0000_0000 | u128::from(u32::from_be_bytes(address(at, 4)?.try_into().ok()?)))
            };
            (packet[9], mapped(12)?, mapped(16)?)
        }
        0x60..0x70 if length == 40 => {
            let bits = |at| address(at, 16)?.try_into().map(u128::from_be_bytes).ok();
            (packet[6], bits(8)?, bits(24)?)
        }
        _ => return None,
    };
    (protocol == Transport::Udp as u8)
        .then(|| Peek::Refusal(Flow::new(Transport::Udp, (from, own), (to, other))))
}

fn peek_transport(protocol: u8, payload: &[u8], local: u128, remote: u128) -> Option<Peek> {
    let [a, b, c, d] = *payload.first_chunk()?;
    let (remote, local) = ((remote, u16::from_be_bytes([a, b])), (local, u16::from_be_bytes([c, d])));
    if protocol == Transport::Udp as u8 {
        return Some(Peek::Udp(Flow::new(Transport::Udp, local, remote)));
    }
    if protocol != Transport::Tcp as u8 {
        return None;
    }
    let header: &[u8; 20] = payload.first_chunk()?;
    Some(Peek::Tcp(Segment {
        flow: Flow::new(Transport::Tcp, local, remote),
        flags: header[13],
        sequence: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        payload: payload.len().checked_sub(usize::from(header[12] >> 4) * 4)?,
        window: u16::from_be_bytes([header[14], header[15]]),
    }))
}

/// The sequence and acknowledgement numbers of a TCP segment that this host sends.
pub fn sequence_numbers(frame: &[u8]) -> Option<(u32, u32)> {
    let kind = frame.get(12..ETHERNET_HEADER)?;
    let (protocol, transport) = if kind == ETHERTYPE_IPV4 {
        (*frame.get(ETHERNET_HEADER + 9)?, ETHERNET_HEADER + 20)
    } else if kind == ETHERTYPE_IPV6 {
        (*frame.get(ETHERNET_HEADER + 6)?, ETHERNET_HEADER + 40)
    } else {
        return None;
    };
    let numbers: &[u8; 8] = frame.get(transport + 4..)?.first_chunk()?;
    let number =
        |at: usize| u32::from_be_bytes([numbers[at], numbers[at + 1], numbers[at + 2], numbers[at + 3]]);
    (protocol == Transport::Tcp as u8).then(|| (number(0), number(4)))
}
