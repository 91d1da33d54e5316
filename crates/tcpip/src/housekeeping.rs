//! What the stack does for itself: getting an address, telling it, and asking for names.

use alloc::{vec, vec::Vec};
use core::net::{IpAddr, Ipv4Addr};

use iface_clock::{Duration, Instant};
use iface_net_device::NetDevice;
use iface_net_stack::ResolveError;
use iface_scheduler::ThreadId;
use smoltcp::iface::{Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::socket::{dhcpv4, dns};
use smoltcp::wire::{DnsQueryType, IpAddress, IpCidr, Ipv4Cidr};

use crate::autoconfiguration::Autoconfiguration;
use crate::engine::{instant, micros};
use crate::port::{Port, Way};
use crate::settings::{Settings, is_host_v4};

/// When something that wants to be done at once but can't is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// Frames sent in one go.
const FRAMES_PER_TURN: usize = 8;

/// How often a DHCP server is asked while none answers. RFC 2131, section 4.1 has a client begin at 4 s for the sake
/// of crowded networks; images start one by one.
const DISCOVER_INTERVAL: Duration = Duration::from_secs(1);

/// Sockets of the stack's own.
pub struct Housekeeping {
    pub sockets: SocketSet<'static>,
    /// What routers advertise.
    pub routers: Autoconfiguration,
    dhcp: Option<SocketHandle>,
    dns: SocketHandle,
    /// Addresses that were told already.
    told: Vec<IpCidr>,
    /// Servers that are asked for names; without any of its own, a host asks those of its lease.
    pub name_servers: Vec<IpAddress>,
    has_own_name_servers: bool,
    /// Something came that it may have to answer.
    pub dirty: bool,
    /// When it has something to do.
    pub at: Option<Instant>,
    /// Threads that wait for a name or an address.
    pub waiting: Vec<ThreadId>,
}

impl Housekeeping {
    /// Of a host with these settings and this card.
    pub fn new(settings: &Settings, card: [u8; 6]) -> Self {
        let mut sockets = SocketSet::new(Vec::new());
        let dhcp = settings.dhcp.then(|| {
            let mut socket = dhcpv4::Socket::new();
            let mut retry = socket.get_retry_config();
            retry.discover_timeout = DISCOVER_INTERVAL.into();
            socket.set_retry_config(retry);
            sockets.add(socket)
        });
        let servers: Vec<IpAddress> = settings.name_servers.iter().copied().map(IpAddress::from).collect();
        let dns = sockets.add(dns::Socket::new(&servers, vec![]));
        let has_own_name_servers = !servers.is_empty();
        let has_gateway = settings.gateways.iter().any(IpAddr::is_ipv6);
        let routers = Autoconfiguration::new(card, settings.ipv6, !has_gateway);
        Self {
            sockets,
            routers,
            dhcp,
            dns,
            told: Vec::new(),
            name_servers: servers,
            has_own_name_servers,
            dirty: true,
            at: None,
            waiting: Vec::new(),
        }
    }

    /// Does what there is to do; says whether addresses changed.
    pub fn keep<D: NetDevice>(
        &mut self,
        interface: &mut Interface,
        port: &mut Port<D>,
        now: Instant,
    ) -> bool {
        let time = micros(now);
        self.dirty = false;
        self.routers.keep(interface, port, now);
        for _ in 0..FRAMES_PER_TURN {
            if interface.poll_egress(time, &mut port.sending(Way::Card), &mut self.sockets)
                == PollResult::None
            {
                break;
            }
        }
        port.take_sent();
        self.follow_lease(interface);
        let changed = self.tell_addresses(interface);
        let at = interface.poll_at(time, &self.sockets).map(instant);
        let at = at.map(|at| if at <= now { now + RETRY } else { at });
        self.at = at.into_iter().chain(self.routers.at()).min();
        changed
    }

    fn follow_lease(&mut self, interface: &mut Interface) {
        let Some(dhcp) = self.dhcp else { return };
        let lease = match self.sockets.get_mut::<dhcpv4::Socket<'_>>(dhcp).poll() {
            None => return,
            Some(dhcpv4::Event::Deconfigured) => None,
            Some(dhcpv4::Event::Configured(lease)) => Some(lease),
        };
        let address = lease.as_ref().map(|lease| lease.address).filter(|cidr| is_host_v4(cidr.address()));
        set_ipv4(interface, address);
        let router = lease.as_ref().and_then(|lease| lease.router).filter(|router| is_host_v4(*router));
        set_ipv4_gateway(interface, router);
        let servers = lease.iter().flat_map(|lease| &lease.dns_servers);
        let servers = servers.filter(|server| is_host_v4(**server)).map(|server| (*server).into()).collect();
        self.set_leased_name_servers(servers);
    }

    fn set_leased_name_servers(&mut self, servers: Vec<IpAddress>) {
        if !self.has_own_name_servers && servers != self.name_servers {
            self.sockets.get_mut::<dns::Socket<'_>>(self.dns).update_servers(&servers);
            self.name_servers = servers;
        }
    }

    fn tell_addresses(&mut self, interface: &Interface) -> bool {
        let addresses = interface.ip_addrs();
        if self.told == addresses {
            return false;
        }
        for address in addresses.iter().filter(|address| !self.told.contains(address)) {
            log::info!("address {address}");
        }
        for address in self.told.iter().filter(|address| !addresses.contains(address)) {
            log::warn!("address {address} is lost");
        }
        self.told = addresses.into();
        true
    }

    /// Begins to ask for the addresses of a name.
    pub fn ask(
        &mut self,
        interface: &mut Interface,
        name: &str,
        kind: DnsQueryType,
    ) -> Result<dns::QueryHandle, ResolveError> {
        if !is_host_name(name) {
            return Err(ResolveError::InvalidName);
        }
        if self.name_servers.is_empty() {
            return Err(ResolveError::NoServer);
        }
        self.dirty = true;
        let socket = self.sockets.get_mut::<dns::Socket<'_>>(self.dns);
        socket.start_query(interface.context(), name, kind).map_err(|_| ResolveError::InvalidName)
    }

    /// The answer to a question; `None` while there is none. Is not to be asked again after an answer.
    pub fn answer(&mut self, query: dns::QueryHandle) -> Option<Result<Vec<IpAddr>, ()>> {
        match self.sockets.get_mut::<dns::Socket<'_>>(self.dns).get_query_result(query) {
            Err(dns::GetQueryResultError::Pending) => None,
            Err(dns::GetQueryResultError::Failed) => Some(Err(())),
            Ok(addresses) => Some(Ok(addresses.iter().map(|address| (*address).into()).collect())),
        }
    }
}

/// RFC 1123, section 2.1, with the underscore that names of services have. A last dot may stand.
fn is_host_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let in_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_label = |label: &str| (1..64).contains(&label.len()) && label.bytes().all(in_label);
    name.len() <= 253 && name.split('.').all(is_label)
}

/// Gives the interface its IPv4 address, or takes it away.
fn set_ipv4(interface: &mut Interface, address: Option<Ipv4Cidr>) {
    interface.update_ip_addrs(|addresses| {
        addresses.retain(|address| matches!(address, IpCidr::Ipv6(_)));
        if let Some(address) = address {
            // Places for one address of each kind were counted when smoltcp's features were chosen.
            let _ = addresses.push(IpCidr::Ipv4(address));
        }
    });
}

fn set_ipv4_gateway(interface: &mut Interface, gateway: Option<Ipv4Addr>) {
    interface.routes_mut().remove_default_ipv4_route();
    if let Some(gateway) = gateway {
        // The place was freed above.
        let _ = interface.routes_mut().add_default_ipv4_route(gateway);
    }
}
