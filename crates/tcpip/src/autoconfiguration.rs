//! IPv6 addresses and gateways that routers advertise (RFC 4862, RFC 4861 section 6.3).
//!
//! One prefix and one router are followed, the first that are advertised, until they expire.

use core::net::Ipv6Addr;

use iface_clock::{Duration, Instant};
use iface_net_device::NetDevice;
use smoltcp::iface::Interface;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, Icmpv6Packet, Icmpv6Repr, IpCidr,
    IpProtocol, Ipv6Cidr, Ipv6Packet, Ipv6Repr, NdiscPrefixInfoFlags, NdiscPrefixInformation, NdiscRepr,
};

use crate::flow::ETHERNET_HEADER;
use crate::port::Port;

/// RFC 4861, section 10: MAX_RTR_SOLICITATIONS and RTR_SOLICITATION_INTERVAL.
const SOLICITATIONS: u32 = 3;
const SOLICITATION_INTERVAL: Duration = Duration::from_secs(4);

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
const ALL_ROUTERS_CARD: EthernetAddress = EthernetAddress([0x33, 0x33, 0, 0, 0, 2]);

/// What was asked for and what was advertised.
pub struct Autoconfiguration {
    card: [u8; 6],
    /// Whether a router may become the gateway.
    wants_gateway: bool,
    solicitations: u32,
    solicit_at: Option<Instant>,
    address: Option<(Ipv6Cidr, Instant)>,
    router: Option<(Ipv6Addr, Instant)>,
}

/// The address that a card has under a prefix of 64 bits (RFC 4291, sections 2.5.1 and appendix A).
pub fn address_under(prefix: Ipv6Addr, [a, b, c, d, e, f]: [u8; 6]) -> Ipv6Addr {
    let interface = u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    Ipv6Addr::from_bits(prefix.to_bits() >> 64 << 64 | u128::from(interface))
}

impl Autoconfiguration {
    /// Of a card; routers are asked at once, if at all.
    pub const fn new(card: [u8; 6], enabled: bool, wants_gateway: bool) -> Self {
        let (solicitations, solicit_at) =
            if enabled { (SOLICITATIONS, Some(Instant::START)) } else { (0, None) };
        Self { card, wants_gateway, solicitations, solicit_at, address: None, router: None }
    }

    /// When there is something to do.
    pub fn at(&self) -> Option<Instant> {
        let ends = [self.solicit_at, self.address.map(|(_, end)| end), self.router.map(|(_, end)| end)];
        ends.into_iter().flatten().min()
    }

    /// Asks for routers, and drops what expired.
    pub fn keep<D: NetDevice>(&mut self, interface: &mut Interface, port: &mut Port<D>, now: Instant) {
        if self.solicit_at.is_some_and(|at| at <= now) {
            solicit(port, self.card);
            self.solicitations -= 1;
            self.solicit_at = (self.solicitations > 0).then(|| now + SOLICITATION_INTERVAL);
        }
        if let Some((address, _)) = self.address.take_if(|(_, end)| *end <= now) {
            interface.update_ip_addrs(|addresses| addresses.retain(|other| *other != IpCidr::Ipv6(address)));
        }
        if self.router.take_if(|(_, end)| *end <= now).is_some() {
            interface.routes_mut().remove_default_ipv6_route();
        }
    }

    /// Follows `frame` if it is a router's advertisement.
    pub fn hear(&mut self, interface: &mut Interface, frame: &[u8], now: Instant) {
        let Some((router, lifetime, prefix)) = frame.get(ETHERNET_HEADER..).and_then(advertisement) else {
            return;
        };
        (self.solicitations, self.solicit_at) = (0, None);
        if let Some(prefix) = prefix.filter(is_usable) {
            self.follow_prefix(interface, &prefix, now);
        }
        if self.wants_gateway {
            self.follow_router(interface, router, lifetime, now);
        }
    }

    fn follow_prefix(&mut self, interface: &mut Interface, prefix: &NdiscPrefixInformation, now: Instant) {
        let address = Ipv6Cidr::new(address_under(prefix.prefix, self.card), 64);
        let end = now + prefix.valid_lifetime.into();
        match &mut self.address {
            Some((known, until)) if *known == address => *until = end,
            None if end > now => {
                self.address = Some((address, end));
                interface.update_ip_addrs(|addresses| {
                    // Places for one address of each kind were counted when smoltcp's features were chosen.
                    let _ = addresses.push(IpCidr::Ipv6(address));
                });
            }
            _ => {}
        }
    }

    fn follow_router(
        &mut self,
        interface: &mut Interface,
        router: Ipv6Addr,
        lifetime: Duration,
        now: Instant,
    ) {
        match &mut self.router {
            Some((known, until)) if *known == router => *until = now + lifetime,
            None if !lifetime.is_zero() => {
                self.router = Some((router, now + lifetime));
                // There is no other default route: `wants_gateway` says so.
                let _ = interface.routes_mut().add_default_ipv6_route(router);
            }
            _ => {}
        }
    }
}

/// RFC 4862, section 5.5.3, and no prefix under which a host can't have an address.
fn is_usable(prefix: &NdiscPrefixInformation) -> bool {
    let network = prefix.prefix;
    prefix.flags.contains(NdiscPrefixInfoFlags::ADDRCONF)
        && prefix.prefix_len == 64
        && prefix.preferred_lifetime <= prefix.valid_lifetime
        && !(network.is_unicast_link_local() || network.is_multicast() || network.segments()[..4] == [0; 4])
}

/// A router with the lifetime of its being one and the prefix it advertises, if the packet is valid by RFC 4861,
/// section 6.1.2.
fn advertisement(packet: &[u8]) -> Option<(Ipv6Addr, Duration, Option<NdiscPrefixInformation>)> {
    let packet = Ipv6Packet::new_checked(packet).ok()?;
    let header = Ipv6Repr::parse(&packet).ok()?;
    let to_us = header.dst_addr == ALL_NODES || header.dst_addr.is_unicast_link_local();
    let from_near = header.hop_limit == 255 && header.src_addr.is_unicast_link_local();
    if header.next_header != IpProtocol::Icmpv6 || !to_us || !from_near {
        return None;
    }
    let message = Icmpv6Packet::new_checked(packet.payload()).ok()?;
    let checksums = ChecksumCapabilities::default();
    match Icmpv6Repr::parse(&header.src_addr, &header.dst_addr, &message, &checksums).ok()? {
        Icmpv6Repr::Ndisc(NdiscRepr::RouterAdvert { router_lifetime, prefix_info, .. }) => {
            Some((header.src_addr, router_lifetime.into(), prefix_info))
        }
        _ => None,
    }
}

/// Asks the routers to advertise themselves (RFC 4861, section 4.1).
fn solicit<D: NetDevice>(port: &mut Port<D>, card: [u8; 6]) {
    let link = EthernetAddress(card);
    let source = address_under(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), card);
    let message = Icmpv6Repr::Ndisc(NdiscRepr::RouterSolicit { lladdr: Some(link.into()) });
    let packet = Ipv6Repr {
        src_addr: source,
        dst_addr: ALL_ROUTERS,
        next_header: IpProtocol::Icmpv6,
        payload_len: message.buffer_len(),
        hop_limit: 255,
    };
    let header =
        EthernetRepr { src_addr: link, dst_addr: ALL_ROUTERS_CARD, ethertype: EthernetProtocol::Ipv6 };
    port.send(ETHERNET_HEADER + packet.buffer_len() + message.buffer_len(), None, |frame| {
        header.emit(&mut EthernetFrame::new_unchecked(&mut frame[..]));
        let bytes = &mut frame[ETHERNET_HEADER..];
        packet.emit(&mut Ipv6Packet::new_unchecked(&mut bytes[..]));
        let mut icmp = Icmpv6Packet::new_unchecked(&mut bytes[packet.buffer_len()..]);
        message.emit(&source, &ALL_ROUTERS, &mut icmp, &ChecksumCapabilities::default());
    });
}
