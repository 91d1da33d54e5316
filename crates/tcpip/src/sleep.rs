//! What is left of a connection that nobody uses: a few numbers, without state machine and buffers.
//!
//! While nothing is under way, all that the ends know of each other is what was said in the handshake, how far the
//! sequence numbers are, and the peer's window. From these the state machine is made again by a handshake that
//! is not sent: it is shown the peer's SYN with such a number that the next one is right, and then the acknowledgement. What
//! else it knew, as the peer's distance and what the network takes, is forgotten, as RFC 5681, section 4.1, asks for after
//! a pause.

use alloc::{vec, vec::Vec};
use core::net::{IpAddr, Ipv4Addr};

use smoltcp::iface::Interface;
use smoltcp::phy::{ChecksumCapabilities, Device, DeviceCapabilities, RxToken, TxToken};
use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpProtocol, IpRepr, IpVersion, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber};

use crate::connection::Tuning;
use crate::flow::{ETHERNET_HEADER, Flow, Transport};
use crate::loopback;
use crate::machine::Machine;
use crate::port::Way;
use crate::seed;

/// What the peer said of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    largest_segment: Option<u16>,
    window_scale: Option<u8>,
    takes_selective_acknowledgements: bool,
    /// The window of its last segment, as it was sent: not scaled.
    pub window: u16,
}

impl Peer {
    /// As it says in a segment with SYN, in a frame or packet that came this way.
    pub fn of(way: Way, frame: &[u8]) -> Option<Self> {
        let segment = segment_of(frame.get(way.of(ETHERNET_HEADER, 0)..)?)?;
        let anywhere = IpAddress::v4(0, 0, 0, 0);
        let said = TcpRepr::parse(&segment, &anywhere, &anywhere, &ChecksumCapabilities::ignored()).ok()?;
        (said.control == TcpControl::Syn).then_some(Self {
            largest_segment: said.max_seg_size,
            window_scale: said.window_scale,
            takes_selective_acknowledgements: said.sack_permitted,
            window: said.window_len,
        })
    }
}

/// The segment in a packet of IP.
fn segment_of(packet: &[u8]) -> Option<TcpPacket<&[u8]>> {
    let header = match IpVersion::of_packet(packet).ok()? {
        IpVersion::Ipv4 => usize::from(packet.first()? & 0x0f) * 4,
        IpVersion::Ipv6 => 40,
    };
    TcpPacket::new_checked(packet.get(header..)?).ok()
}

/// How far the sequence numbers of a connection are under which nothing is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Of the next byte that is sent.
    send: TcpSeqNumber,
    /// Of the next byte that is received.
    receive: TcpSeqNumber,
}

impl Numbers {
    /// Those of a state machine, which is closed then: of the reset that it would send. `interface` has this host's
    /// address; `None` where it has not.
    pub fn of(machine: &mut Machine, interface: &mut Interface, now: Instant) -> Option<Self> {
        let mut nowhere = Nowhere::default();
        machine.socket_mut().abort();
        interface.poll_egress(now, &mut nowhere, machine.sockets());
        nowhere.last
    }
}

/// Has a closed state machine be where one was that ended with these numbers. Returns false, with the machine in any state, if
/// the protocols do not begin where they are told to.
pub fn resume(machine: &mut Machine, flow: &Flow, peer: &Peer, numbers: Numbers, now: Instant) -> bool {
    let (local, port) = flow.local();
    // The SYN takes one number in each direction.
    let first = numbers.send - 1;
    let mut interface = loopback::interface(&mut Nowhere::default(), seed::of(first.0 as u32), now);
    interface.update_ip_addrs(|addresses| {
        // The first of several that there is room for.
        let _ = addresses.push(loopback::alone(local.into()));
    });
    let listening = machine.socket_mut().listen((IpAddress::from(local), port));
    debug_assert!(listening.is_ok(), "a closed socket listens");
    let handshake = [
        Said { sequence: numbers.receive - 1, acknowledges: None },
        Said { sequence: numbers.receive, acknowledges: Some(numbers.send) },
    ];
    for said in handshake {
        let packet = said.packet(flow, peer);
        let mut nowhere = Nowhere { packet: Some(&packet), last: None };
        interface.poll_ingress_single(now, &mut nowhere, machine.sockets());
        interface.poll_egress(now, &mut nowhere, machine.sockets());
    }
    machine.socket().state() == State::Established
}

/// Whether connections can be resumed with the protocols that this image has.
pub fn is_possible(tuning: &Tuning) -> bool {
    let Some(mut machine) = Machine::bare() else { return false };
    let numbers = Numbers { send: TcpSeqNumber(0x1234_5678), receive: TcpSeqNumber(-2) };
    let own = (IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
    let flow = Flow::between(Transport::Tcp, own, own);
    machine.renew(tuning);
    resume(&mut machine, &flow, &Peer::default(), numbers, Instant::ZERO)
}

/// One of the peer's segments in the handshake.
struct Said {
    sequence: TcpSeqNumber,
    acknowledges: Option<TcpSeqNumber>,
}

impl Said {
    /// In a packet of IP, to this host.
    fn packet(&self, flow: &Flow, peer: &Peer) -> Vec<u8> {
        let ((local, local_port), (remote, remote_port)) = (flow.local(), flow.remote());
        let (source, destination) = (IpAddress::from(remote), IpAddress::from(local));
        let begins = self.acknowledges.is_none();
        let segment = TcpRepr {
            src_port: remote_port,
            dst_port: local_port,
            control: if begins { TcpControl::Syn } else { TcpControl::None },
            seq_number: self.sequence,
            ack_number: self.acknowledges,
            window_len: peer.window,
            window_scale: peer.window_scale.filter(|_| begins),
            max_seg_size: peer.largest_segment.filter(|_| begins),
            sack_permitted: begins && peer.takes_selective_acknowledgements,
            sack_ranges: [None; 3],
            timestamp: None,
            payload: &[],
        };
        let packet = IpRepr::new(source, destination, IpProtocol::Tcp, segment.buffer_len(), 64);
        let mut bytes = vec![0; packet.buffer_len()];
        let checksums = ChecksumCapabilities::ignored();
        packet.emit(&mut bytes[..], &checksums);
        let mut place = TcpPacket::new_unchecked(&mut bytes[packet.header_len()..]);
        segment.emit(&mut place, &source, &destination, &checksums);
        bytes
    }
}

/// A way that leads nowhere.
#[derive(Default)]
struct Nowhere<'a> {
    /// A packet that comes from there all the same.
    packet: Option<&'a [u8]>,
    /// The numbers of the last one that went there.
    last: Option<Numbers>,
}

impl Device for Nowhere<'_> {
    type RxToken<'b>
        = Incoming<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = Outgoing<'b>
    where
        Self: 'b;

    fn receive(&mut self, _: Instant) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        let packet = self.packet.take()?;
        Some((Incoming(packet), Outgoing(&mut self.last)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Outgoing<'_>> {
        Some(Outgoing(&mut self.last))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        loopback::capabilities()
    }
}

/// A packet that is received.
struct Incoming<'a>(&'a [u8]);

impl RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

/// Where the numbers of a packet are kept that is sent.
struct Outgoing<'a>(&'a mut Option<Numbers>);

impl TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let mut packet = vec![0; length];
        let result = fill(&mut packet);
        *self.0 = segment_of(&packet)
            .map(|segment| Numbers { send: segment.seq_number(), receive: segment.ack_number() });
        result
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// A state machine that is resumed ends with the numbers that it began with.
        #[test]
        fn numbers_are_kept(send: i32, receive: i32, window: u16, ipv6: bool) {
            let at = |last: u8| match ipv6 {
                true => IpAddr::from([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]),
                false => IpAddr::from([10, 0, 0, last]),
            };
            let flow = Flow::between(Transport::Tcp, (at(1), 80), (at(2), 49152));
            let peer = Peer { largest_segment: Some(1460), window_scale: Some(7), window, ..Peer::default() };
            let numbers = Numbers { send: TcpSeqNumber(send), receive: TcpSeqNumber(receive) };
            let mut machine = Machine::bare().unwrap();
            machine.renew(&Tuning::TEST);
            prop_assert!(resume(&mut machine, &flow, &peer, numbers, Instant::ZERO));
            let mut interface = loopback::interface(&mut Nowhere::default(), 1, Instant::ZERO);
            interface.update_ip_addrs(|addresses| addresses.push(loopback::alone(at(1).into())).unwrap());
            prop_assert_eq!(Numbers::of(&mut machine, &mut interface, Instant::ZERO), Some(numbers));
        }
    }
}
