#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod address;
mod broken;
mod card;
mod frame;
mod gather;
mod keeper;
mod link;
mod netif;
mod nic;
mod offload;
mod pool;
mod receive;
mod transmit;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::fmt::{self, Display};

use iface_clock::{Clock, Duration};
use iface_event_channels::{ChannelError, EventChannels};
use iface_grant_table::GrantTable;
use iface_scheduler::{Scheduler, SpawnError};
use iface_xenstore::{Tree, Xenstore};
use xenbus::{Backend, Device, Error, Frontend, Keys, Kind};

pub use broken::{Broken, LinkError};
pub use card::Card;
pub use frame::Frame;
pub use granted_pages::PageError;
pub use keeper::ConnectError;

use gather::ETHERNET_HEADER;
use keeper::Keeper;
use link::Parts;
use nic::Nic;

/// Network cards, in the store.
const VIF: Kind = Kind {
    name: "vif",
    hint: "is the bridge there that `vif` names in xl.cfg, and did its hotplug script run on the host?",
};

/// Packets of a card whose host does not say otherwise (`public/io/netif.h`, "MTU"), in bytes.
const ORDINARY_MTU: usize = 1500;

/// Pages without which a backend would hold a whole TCP segment back for ever: 16 and one for its data, as it may begin within
/// the first, and one for what goes with it.
const PAGES_OF_A_LARGE_SEGMENT: usize = 18;

/// The room's options.
#[derive(Debug)]
pub struct Config {
    /// Pages that wait for frames to come.
    pub receive_buffers: u16,
    /// Frames that may wait to be sent, if they are not longer than 2048 bytes.
    pub transmit_buffers: u16,
    /// Whether TCP segments of up to 64 KiB may come whole.
    pub large_receive: bool,
    /// Whether the image is to end where no backend connects.
    pub required: bool,
    /// Seconds that the backend may take to connect.
    pub timeout_s: u16,
}

/// What the driver needs.
#[derive(Debug)]
pub struct Needs<C, V, G, S, X> {
    /// Time for limits and pauses.
    pub clock: C,
    /// Signals from and to the backend.
    pub event_channels: V,
    /// Memory that the backend may use.
    pub grant_table: G,
    /// Waiting, and the thread that keeps the card connected.
    pub scheduler: S,
    /// Where card and backend are found.
    pub xenstore: X,
}

/// What the driver provides.
pub struct Provides<N> {
    /// The card.
    pub net_device: N,
}

/// Why there is no card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitError {
    /// The domain was given none.
    NoInterface,
    /// The host does not tell the card's address.
    NoAddress(Device),
    /// The store does not tell of the card.
    Store(Error),
    /// The card is not connected.
    Connect(ConnectError),
    /// There is no event source for the card.
    Source(ChannelError),
    /// The thread that keeps the card connected can't be started.
    Spawn(SpawnError),
}

impl Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInterface => f.write_str(
                "the domain has no network interface: write `vif = [ \"bridge=xenbr0\" ]` into its xl.cfg, or set \
                 `libs.netfront.required = false` where the image is of use without",
            ),
            Self::NoAddress(device) => write!(f, "the host does not tell the address of {device}"),
            Self::Store(error) => error.fmt(f),
            Self::Connect(error) => error.fmt(f),
            Self::Source(error) => error.fmt(f),
            Self::Spawn(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for InitError {}

/// Connects the domain's first network card, and starts the thread that keeps it connected.
///
/// # Errors
/// As [`InitError`] says; where no card is required, not for one that is missing or not connected in time.
pub fn init<C: Clock, V: EventChannels, G: GrantTable, S: Scheduler, X: Xenstore>(
    config: &'static Config,
    needs: Needs<C, V, G, S, X>,
) -> Result<Provides<Card<G, V>>, InitError> {
    let device = xenbus::devices(&needs.xenstore, VIF).map_err(InitError::Store)?.into_iter().next();
    if device.is_none() && config.required {
        return Err(InitError::NoInterface);
    }
    let scheduler = needs.scheduler;
    let keeper = keeper(config, needs, device)?;
    let nic = keeper.nic;
    let backend = match device {
        Some(_) => first_backend(config, &keeper)?,
        None => {
            log::warn!("the domain has no network interface yet; going on without");
            None
        }
    };
    scheduler.spawn("netfront", Box::new(move || keeper.keep(backend))).map_err(InitError::Spawn)?;
    Ok(Provides { net_device: Card::new(nic) })
}

/// Waits for the backend of a card that the domain has.
fn first_backend<C: Clock, V: EventChannels, G: GrantTable, S: Scheduler, X: Xenstore>(
    config: &Config,
    keeper: &Keeper<X, S, C, G, V>,
) -> Result<Option<Backend<X>>, InitError> {
    match keeper.connect(Some(Duration::from_secs(config.timeout_s.into()))) {
        Ok(backend) => Ok(Some(backend)),
        Err(error) if config.required => Err(InitError::Connect(error)),
        Err(error) => {
            log::warn!("{error}; going on without a network until it comes");
            Ok(None)
        }
    }
}

/// The keeper of `device`, or of the card that may be attached as number 0 where there is none.
fn keeper<C: Clock, V: EventChannels, G: GrantTable, S: Scheduler, X: Xenstore>(
    config: &Config,
    needs: Needs<C, V, G, S, X>,
    device: Option<Device>,
) -> Result<Keeper<X, S, C, G, V>, InitError> {
    let Needs { clock, event_channels: channels, grant_table: grants, scheduler, xenstore } = needs;
    let place = device.unwrap_or(Device { kind: VIF, number: 0 });
    let frontend = Frontend::new(xenstore, scheduler, clock, place).map_err(InitError::Store)?;
    let mac_address = match device {
        Some(device) => address::of(&frontend.keys)?.ok_or(InitError::NoAddress(device))?,
        None => address::made_up(&xenstore),
    };
    let (transmit_buffers, receive_buffers) = (config.transmit_buffers.into(), config.receive_buffers.into());
    let mtu = mtu(&frontend.keys, transmit_buffers)?;
    let source = channels.source().map_err(InitError::Source)?;
    let parts = Parts { grants, channels, source, transmit_buffers };
    let pages = link::pages_for(transmit_buffers, receive_buffers);
    let nic: &'static Nic<G, V> = Box::leak(Box::new(Nic::new(parts, mac_address, mtu, pages)));
    let frontend = Rc::new(frontend);
    let broken = Rc::clone(&frontend);
    nic.on_break(Box::new(move || broken.give_up()));
    let takes_large = config.large_receive && receive_buffers >= PAGES_OF_A_LARGE_SEGMENT;
    Ok(Keeper { frontend, nic, takes_large })
}

/// The longest packet that the host allows and the buffers have room for, in bytes.
fn mtu<T: Tree>(keys: &Keys<T>, transmit_buffers: usize) -> Result<usize, InitError> {
    let longest = transmit::longest_frame(transmit_buffers) - ETHERNET_HEADER;
    // What IPv4 needs at least (RFC 791, section 3.2), and what has a frame's length in 16 bits.
    let told = keys.number("mtu", 68..=65_521).map_err(InitError::Store)?;
    Ok(told.map_or(ORDINARY_MTU, |mtu| mtu as usize).min(longest))
}
