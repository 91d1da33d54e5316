#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod blkif;
mod connect;
mod device;
mod disk;
mod facts;
mod link;
mod pool;

use alloc::boxed::Box;
use core::{cell::RefCell, fmt, time::Duration};

use iface_block_device::BlockDevice;
use iface_clock::Clock;
use iface_event_channels::{ChannelError, EventChannels};
use iface_events::{Events, SubscribeError};
use iface_grant_table::GrantTable;
use iface_scheduler::{Scheduler, SpawnError};
use iface_xenstore::Xenstore;
use xenbus::Frontend;

use connect::Connector;
use disk::{Disk, Host};

pub use connect::ConnectError;
pub use device::Numbers;
pub use granted_pages::PageError;

/// Settings, from `libs.blkfront`.
#[derive(Debug)]
pub struct Config {
    /// The disk by its name or number; the first without.
    pub device: Option<&'static str>,
    /// Most memory for requests under way, in KiB.
    pub buffer_kib: u16,
    /// How long requests wait for a backend that is away, in seconds.
    pub patience_seconds: u32,
    /// Layout of requests, by the name that the backend has for it.
    pub protocol: &'static str,
}

/// What the driver needs.
#[derive(Debug)]
pub struct Needs<C, V, E, G, S, X> {
    /// Tells how long a backend takes.
    pub clock: C,
    /// Signals to and from the backend.
    pub event_channels: V,
    /// Where its signals arrive.
    pub events: E,
    /// Shares pages with it.
    pub grant_table: G,
    /// Threads that wait, and one that sees backends come and go.
    pub scheduler: S,
    /// Where disk and backend are found.
    pub xenstore: X,
}

/// What the driver provides.
#[derive(Debug)]
pub struct Provides<D> {
    /// The disk.
    pub block_device: D,
}

/// Why there is no disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitError {
    /// The domain has none.
    NoDisk,
    /// The domain does not have this one.
    NoSuchDisk {
        /// Its name.
        name: &'static str,
        /// Those that it has.
        there: Numbers,
    },
    /// No disk can have this name.
    Name(&'static str),
    /// There is no connection to its backend.
    Connect(ConnectError),
    /// There is no source of events for it.
    Source(ChannelError),
    /// Its events cannot be waited for.
    Subscribe(SubscribeError),
    /// The thread that sees backends come and go could not be started.
    Spawn(SpawnError),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDisk => f.write_str(
                "the domain has no disk: give it one in its configuration, as with disk = [ \"/srv/disk.img,raw,xvda,rw\" ]",
            ),
            Self::NoSuchDisk { name, there } => write!(
                f,
                "the domain has no disk {name}, but {there}: name it in the domain's configuration, as with disk = [ \
                 \"/srv/disk.img,raw,{name},rw\" ], or another one with libs.blkfront.device"
            ),
            Self::Name(name) => write!(f, "`{name}` of libs.blkfront.device is no name of a disk: try xvda, or its number"),
            Self::Connect(error) => error.fmt(f),
            Self::Source(error) => error.fmt(f),
            Self::Subscribe(error) => error.fmt(f),
            Self::Spawn(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for InitError {}

impl From<ConnectError> for InitError {
    fn from(error: ConnectError) -> Self {
        Self::Connect(error)
    }
}

impl From<xenbus::Error> for InitError {
    fn from(error: xenbus::Error) -> Self {
        Self::Connect(ConnectError::Bus(error))
    }
}

impl From<ChannelError> for InitError {
    fn from(error: ChannelError) -> Self {
        Self::Source(error)
    }
}

impl From<SubscribeError> for InitError {
    fn from(error: SubscribeError) -> Self {
        Self::Subscribe(error)
    }
}

impl From<SpawnError> for InitError {
    fn from(error: SpawnError) -> Self {
        Self::Spawn(error)
    }
}

/// Connects to the backend of the disk.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<C, V, E, G, S, X>(
    config: &'static Config,
    needs: Needs<C, V, E, G, S, X>,
) -> Result<Provides<impl BlockDevice>, InitError>
where
    C: Clock,
    V: EventChannels,
    E: Events,
    G: GrantTable,
    S: Scheduler,
    X: Xenstore,
{
    let Needs { clock, event_channels: channels, events, grant_table: grants, scheduler, xenstore } = needs;
    let device = device::choose(xenstore, config.device)?;
    let host = Host { clock, channels, grants, scheduler };
    let source = channels.source()?;
    let frontend = Frontend::new(xenstore, scheduler, clock, device)?;
    let left = RefCell::default();
    let connector: &'static _ = Box::leak(Box::new(Connector { config, host, source, frontend, left }));
    let (backend, link, facts) = connector.first()?;
    let patience = Duration::from_secs(config.patience_seconds.into());
    let give_up = Box::new(|| connector.frontend.give_up());
    let disk: &'static Disk<C, V, G, S> =
        Box::leak(Box::new(Disk::new(host, facts, patience, give_up, link)));
    events.subscribe(source, Box::new(|| disk.collect()))?;
    scheduler.spawn("blkfront", Box::new(|| connector.serve(disk, backend)))?;
    let (blocks, size) = (facts.blocks, facts.block_size);
    log::info!(
        "{device}, {blocks} blocks of {size} bytes{}",
        if facts.is_read_only { ", read-only" } else { "" }
    );
    Ok(Provides { block_device: disk })
}
