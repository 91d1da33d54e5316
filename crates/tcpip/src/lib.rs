#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod autoconfiguration;
mod connection;
mod datagrams;
mod drowsy;
mod engine;
mod flow;
mod housekeeping;
mod idle;
mod listener;
mod loopback;
mod machine;
mod notice;
mod operations;
mod poller;
mod port;
mod reply;
mod seed;
mod settings;
mod sleep;
mod stack;
mod surplus;
mod table;
mod time_wait;
mod timers;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use iface_allocator::Allocator;
use iface_clock::{Clock, Duration};
use iface_entropy::{Entropy, EntropyError};
use iface_events::{Events, SubscribeError};
use iface_net_device::NetDevice;
use iface_net_stack::NetStack;
use iface_platform::Platform;
use iface_scheduler::{Scheduler, SpawnError};
use smoltcp::iface::{Config as InterfaceConfig, Interface};
use smoltcp::socket::tcp;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr, Ipv6Address, Ipv6Cidr};

pub use settings::SettingError;

use autoconfiguration::address_under;
use connection::Tuning;
use engine::{Engine, Limits, micros};
use flow::FlowHash;
use housekeeping::Housekeeping;
use port::{Port, Way};
use settings::Settings;
use stack::{Handle, Stack};
use surplus::Surplus;

/// The room's options.
pub struct Config {
    /// IPv4 address with prefix length, as in `10.0.2.15/24`.
    pub address: Option<&'static str>,
    /// IPv4 gateway.
    pub gateway: Option<&'static str>,
    /// IPv6 address with prefix length, besides the ones that routers advertise.
    pub address6: Option<&'static str>,
    /// IPv6 gateway, where no router advertises itself.
    pub gateway6: Option<&'static str>,
    /// Name servers, at most three.
    pub dns: &'static [&'static str],
    /// Whether a DHCP server is asked where there is no IPv4 address.
    pub dhcp: bool,
    /// Seconds to wait for a lease at start.
    pub dhcp_timeout_s: u32,
    /// Whether IPv6 is spoken.
    pub ipv6: bool,
    /// Most sockets open at once.
    pub sockets: u32,
    /// Longest queue of a listener.
    pub backlog: u32,
    /// KiB that a connection receives ahead of its reader.
    pub tcp_receive_buffer_kib: u32,
    /// KiB that a connection takes ahead of its peer, at least.
    pub tcp_send_buffer_kib: u32,
    /// The same where memory is plentiful, at most.
    pub tcp_send_buffer_most_kib: u32,
    /// Datagrams that a UDP socket keeps in each direction.
    pub udp_datagrams: u32,
    /// KiB that a UDP socket keeps in each direction.
    pub udp_buffer_kib: u32,
    /// Whether small segments wait for earlier ones to be acknowledged.
    pub nagle: bool,
    /// Milliseconds that an acknowledgement waits for data to go with.
    pub ack_delay_ms: u32,
    /// How congestion is answered.
    pub congestion_control: CongestionControl,
    /// Seconds of silence after which a connection is probed.
    pub keep_alive_s: Option<u32>,
    /// Seconds that a peer may owe an acknowledgement.
    pub dead_peer_s: u32,
    /// Seconds that a closed connection may take to end.
    pub linger_s: u32,
}

/// How congestion is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CongestionControl {
    /// Slow start, congestion avoidance, fast retransmit and recovery (RFC 5681).
    Reno,
    /// Not at all: for a wire of one's own.
    None,
}

/// What the stack runs on.
pub struct Needs<A: 'static, C, N, E, D, P, S> {
    /// Tells how much memory the image has.
    pub allocator: &'static A,
    /// Time for every timer of the protocols.
    pub clock: C,
    /// Seeds for sequence numbers, ports and hashing.
    pub entropy: N,
    /// Tells when the card has frames.
    pub events: E,
    /// The card, which is this room's alone.
    pub net_device: D,
    /// The command line.
    pub platform: P,
    /// Waiting, and the background thread.
    pub scheduler: S,
}

/// What the room gives.
pub struct Provides<T> {
    /// TCP and UDP sockets.
    pub net_stack: T,
}

/// Why the stack did not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitError {
    /// An option or a setting of the command line means nothing.
    Setting(SettingError),
    /// The card's address is not one of a single card.
    CardAddress([u8; 6]),
    /// The card's packets are shorter than IPv4 (576 bytes) or, where it is spoken, IPv6 (1280 bytes) asks for.
    PacketsTooShort(usize),
    /// There are no random numbers.
    Entropy(EntropyError),
    /// The card's event source can't be had.
    Events(SubscribeError),
    /// The background thread can't be started.
    Spawn(SpawnError),
    /// No DHCP server gave an address within so many seconds.
    NoLease(u32),
}

impl core::fmt::Display for InitError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Setting(error) => error.fmt(f),
            Self::CardAddress(address) => {
                write!(
                    f,
                    "the network card's address {} is not one of a single card",
                    EthernetAddress(*address)
                )
            }
            Self::PacketsTooShort(mtu) => {
                write!(
                    f,
                    "the network card's packets of {mtu} bytes are too short (576 for IPv4, 1280 for IPv6)"
                )
            }
            Self::Entropy(error) => error.fmt(f),
            Self::Events(error) => write!(f, "the network card's events: {error}"),
            Self::Spawn(error) => error.fmt(f),
            Self::NoLease(seconds) => write!(
                f,
                "no DHCP server gave an address within {seconds} s; set `libs.tcpip.address`, or `ip=` and `gw=` on \
                 the command line"
            ),
        }
    }
}

impl core::error::Error for InitError {}

/// Starts the stack, and waits for an address where a DHCP server is to give it.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<A: Allocator, C: Clock, N: Entropy, E: Events, D: NetDevice, P: Platform, S: Scheduler>(
    config: &'static Config,
    needs: Needs<A, C, N, E, D, P, S>,
) -> Result<Provides<impl NetStack>, InitError> {
    let settings = Settings::new(config, needs.platform.command_line()).map_err(InitError::Setting)?;
    let (clock, scheduler, source) = (needs.clock, needs.scheduler, needs.net_device.source());
    let memory = needs.allocator.usage().total;
    let engine = engine(config, &settings, needs.net_device, needs.entropy, clock, memory)?;
    let stack: &'static Stack<D, C, S> = Box::leak(Box::new(Stack::new(engine, clock, scheduler)));
    needs.events.subscribe(source, Box::new(|| stack.on_event())).map_err(InitError::Events)?;
    wait_for_address(config, &settings, stack, clock)?;
    let tender = move || {
        loop {
            scheduler.park(stack.tend());
        }
    };
    stack.set_tender(scheduler.spawn("tcpip", Box::new(tender)).map_err(InitError::Spawn)?);
    Ok(Provides { net_stack: Handle(stack) })
}

fn engine<C: Clock, N: Entropy, D: NetDevice>(
    config: &Config,
    settings: &Settings,
    device: D,
    entropy: N,
    clock: C,
    memory: usize,
) -> Result<Engine<D>, InitError> {
    let (card, mtu) = (device.mac_address(), device.mtu());
    if !EthernetAddress(card).is_unicast() {
        return Err(InitError::CardAddress(card));
    }
    if mtu < if settings.ipv6 { 1280 } else { 576 } {
        return Err(InitError::PacketsTooShort(mtu));
    }
    let (first, second) = (random(entropy)?, random(entropy)?);
    let mut port = Port::new(device);
    let interface = interface(settings, &mut port, card, first ^ second, clock);
    let loopback = loopback::interface(&mut port.sending(Way::Loopback), first, micros(clock.now()));
    let limits = limits(config, settings);
    log::debug!(
        "TCP buffers: {} KiB to receive, {} KiB to send or more; at most {} sockets, {} of them waiting for accept",
        config.tcp_receive_buffer_kib,
        config.tcp_send_buffer_kib,
        config.sockets,
        config.backlog
    );
    let housekeeping = Housekeeping::new(settings, card);
    let hash = FlowHash([first, second]);
    let mut engine = Engine::new(port, interface, loopback, housekeeping, limits, hash, Surplus::of(memory));
    engine.follow_addresses();
    Ok(engine)
}

fn random(entropy: impl Entropy) -> Result<u64, InitError> {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes).map_err(InitError::Entropy)?;
    Ok(u64::from_ne_bytes(bytes))
}

fn interface<D: NetDevice>(
    settings: &Settings,
    port: &mut Port<D>,
    card: [u8; 6],
    seed: u64,
    clock: impl Clock,
) -> Interface {
    let mut config = InterfaceConfig::new(HardwareAddress::Ethernet(EthernetAddress(card)));
    config.random_seed = seed;
    let mut interface = Interface::new(config, &mut port.sending(Way::Card), micros(clock.now()));
    interface.update_ip_addrs(|addresses| {
        // Places for one address of each kind were counted when smoltcp's features were chosen.
        let link_local =
            settings.ipv6.then(|| IpCidr::Ipv6(Ipv6Cidr::new(address_under(LINK_LOCAL, card), 64)));
        addresses.extend(link_local.into_iter().chain(settings.addresses.iter().copied()));
    });
    for gateway in &settings.gateways {
        // There is at most one of each family.
        let _ = match gateway {
            core::net::IpAddr::V4(gateway) => interface.routes_mut().add_default_ipv4_route(*gateway),
            core::net::IpAddr::V6(gateway) => interface.routes_mut().add_default_ipv6_route(*gateway),
        };
    }
    interface
}

/// RFC 4291, section 2.5.6.
const LINK_LOCAL: Ipv6Address = Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, 0);

fn limits(config: &Config, settings: &Settings) -> Limits {
    let seconds = |seconds: u32| smoltcp::time::Duration::from_secs(u64::from(seconds));
    Limits {
        sockets: config.sockets as usize,
        backlog: config.backlog as usize,
        linger: Duration::from_secs(u64::from(config.linger_s)),
        ipv6: settings.ipv6,
        tuning: Tuning {
            receive_buffer: config.tcp_receive_buffer_kib as usize * 1024,
            send_buffer: config.tcp_send_buffer_kib as usize * 1024,
            longest_send_buffer: config.tcp_send_buffer_most_kib as usize * 1024,
            nagle: config.nagle,
            acknowledgement_delay: smoltcp::time::Duration::from_millis(u64::from(config.ack_delay_ms)),
            congestion_control: match config.congestion_control {
                CongestionControl::Reno => tcp::CongestionControl::Reno,
                CongestionControl::None => tcp::CongestionControl::None,
            },
            dead_peer: seconds(config.dead_peer_s),
            handshake: seconds(HANDSHAKE_SECONDS),
            keep_alive: config.keep_alive_s.map(seconds),
        },
        datagrams: datagrams::Room {
            datagrams: config.udp_datagrams as usize,
            bytes: config.udp_buffer_kib as usize * 1024,
        },
    }
}

/// How long a handshake may take: five tries, doubling from RFC 6298's first time-out of 1 s.
const HANDSHAKE_SECONDS: u32 = 31;

fn wait_for_address<D: NetDevice, C: Clock, S: Scheduler>(
    config: &Config,
    settings: &Settings,
    stack: &'static Stack<D, C, S>,
    clock: C,
) -> Result<(), InitError> {
    let seconds = config.dhcp_timeout_s;
    let deadline = clock.now() + Duration::from_secs(u64::from(seconds));
    let leased = |engine: &mut Engine<D>| engine.interface.ipv4_addr();
    if settings.dhcp && stack.drive(deadline, leased).is_none() {
        return Err(InitError::NoLease(seconds));
    }
    Ok(())
}
