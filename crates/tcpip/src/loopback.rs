//! What this host sends to itself: packets that never see the card, and an interface of the protocols for them.

use alloc::{collections::VecDeque, vec::Vec};
use core::net::SocketAddr;

use smoltcp::iface::{Config, Interface};
use smoltcp::phy::{ChecksumCapabilities, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::{
    HardwareAddress, IpAddress, IpCidr, IpProtocol, IpRepr, Ipv4Address, Ipv6Address, UdpPacket, UdpRepr,
};

/// The longest packet, in bytes: as long as one of IPv4 can be.
pub const MTU: usize = 65_535;

/// Packets that wait; who has more to send waits for its turn.
const MOST_PACKETS: usize = 256;

/// Buffers kept for further packets, to spare the allocator.
const SPARE_BUFFERS: usize = 16;

/// Header of a UDP datagram (RFC 768).
const UDP_HEADER: usize = 8;

/// Packets on their way from this host to itself, in the order in which they were sent.
#[derive(Default)]
pub struct Loop {
    packets: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
}

impl Loop {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether there is no place for one more.
    pub fn is_full(&self) -> bool {
        self.len() >= MOST_PACKETS
    }

    /// Sends a packet that `fill` writes.
    pub fn send<R>(&mut self, length: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut packet = self.spare.pop().unwrap_or_default();
        packet.resize(length, 0);
        let result = fill(&mut packet);
        self.packets.push_back(packet);
        result
    }

    /// Receives a packet.
    pub fn receive(&mut self) -> Option<Vec<u8>> {
        self.packets.pop_front()
    }

    /// Takes a received packet's buffer back.
    pub fn recycle(&mut self, mut packet: Vec<u8>) {
        if self.spare.len() < SPARE_BUFFERS {
            packet.clear();
            self.spare.push(packet);
        }
    }

    /// Sends a datagram; it is lost where there is no place, as any may be.
    pub fn send_datagram(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if self.is_full() {
            return;
        }
        let (source, destination) = (IpAddress::from(from.ip()), IpAddress::from(to.ip()));
        let packet = IpRepr::new(source, destination, IpProtocol::Udp, UDP_HEADER + bytes.len(), 64);
        let datagram = UdpRepr { src_port: from.port(), dst_port: to.port() };
        let checksums = ChecksumCapabilities::ignored();
        self.send(packet.buffer_len(), |buffer| {
            packet.emit(&mut *buffer, &checksums);
            let mut udp = UdpPacket::new_unchecked(&mut buffer[packet.header_len()..]);
            let fill = |payload: &mut [u8]| payload.copy_from_slice(bytes);
            datagram.emit(&mut udp, &source, &destination, bytes.len(), fill, &checksums);
        });
    }
}

/// What the protocols are told of the way to this host itself. Nothing is lost on it, so nothing is summed.
pub fn capabilities() -> DeviceCapabilities {
    let mut capabilities = DeviceCapabilities::default();
    capabilities.medium = Medium::Ip;
    capabilities.max_transmission_unit = MTU;
    capabilities.checksum = ChecksumCapabilities::ignored();
    capabilities
}

/// The interface for it, without addresses.
pub fn interface(device: &mut impl Device, seed: u64, now: Instant) -> Interface {
    let mut config = Config::new(HardwareAddress::Ip);
    config.random_seed = seed;
    Interface::new(config, device, now)
}

/// Gives `interface` the addresses that this host has for itself: those of loopback, and those of its card.
pub fn follow(interface: &mut Interface, card: &Interface, ipv6: bool) {
    let own = card.ip_addrs().iter().map(IpCidr::address);
    let loopback =
        [Some(IpAddress::from(Ipv4Address::LOCALHOST)), ipv6.then_some(Ipv6Address::LOCALHOST.into())];
    interface.update_ip_addrs(|addresses| {
        addresses.clear();
        // Two more than the card can have were counted when smoltcp's features were chosen.
        addresses.extend(loopback.into_iter().flatten().chain(own).map(alone));
    });
}

/// An address without a network around it.
pub fn alone(address: IpAddress) -> IpCidr {
    IpCidr::new(address, if matches!(address, IpAddress::Ipv4(_)) { 32 } else { 128 })
}
