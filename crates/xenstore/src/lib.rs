#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod client;
mod control;
mod inbox;
mod page;
mod session;
mod store;
#[cfg(test)]
mod tests;
mod wire;

use alloc::boxed::Box;
use core::fmt::{self, Display};

use iface_event_channels::{ChannelError, EventChannels};
use iface_events::{Events, SubscribeError};
use iface_hypervisor::Hypervisor;
use iface_scheduler::{Scheduler, SpawnError};
use iface_shutdown::Shutdown;
use iface_xenstore::Xenstore;

use client::Client;
use control::Wishes;
use page::Page;
use store::Store;

/// Settings, from `libs.xenstore`.
#[derive(Debug)]
pub struct Config {
    /// Whether wishes of the host that the domain ends are heard.
    pub answer_shutdown: bool,
}

/// What it needs.
#[derive(Debug)]
pub struct Needs<V, E, H, S> {
    /// Signals to the store.
    pub event_channels: V,
    /// Signals from it.
    pub events: E,
    /// Has the page that is shared with it.
    pub hypervisor: H,
    /// Parks who waits for an answer.
    pub scheduler: S,
}

/// What it provides.
#[derive(Debug)]
pub struct Provides<X, H> {
    /// Wishes of the host.
    pub shutdown: H,
    /// The store.
    pub xenstore: X,
}

/// Why there is no store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitError {
    /// The domain was built without a page for it.
    NoPage,
    /// The store's event channel.
    Channel(ChannelError),
    /// Its handler.
    Subscribe(SubscribeError),
    /// The thread that answers the host.
    Spawn(SpawnError),
}

impl Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPage => f.write_str(
                "the domain was built without a page of the store: was it created by `xl create`?",
            ),
            Self::Channel(error) => error.fmt(f),
            Self::Subscribe(error) => error.fmt(f),
            Self::Spawn(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for InitError {}

impl From<ChannelError> for InitError {
    fn from(error: ChannelError) -> Self {
        Self::Channel(error)
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

/// Opens the domain's end of the store. Nothing is asked of it yet, so a store that does not answer does not hold the image
/// here.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<V: EventChannels, E: Events, H: Hypervisor, S: Scheduler>(
    config: &'static Config,
    needs: Needs<V, E, H, S>,
) -> Result<Provides<impl Xenstore, impl Shutdown>, InitError> {
    let Needs { event_channels, events, hypervisor, scheduler } = needs;
    let (page, port) = Page::of(hypervisor).ok_or(InitError::NoPage)?;
    let source = event_channels.source()?;
    event_channels.adopt(source, port)?;
    let client = Client::new(page, event_channels, port, source, scheduler);
    events.subscribe(source, Box::new(|| client.attend()))?;
    let store = Store::new(client);
    let shutdown = Wishes::new(config.answer_shutdown);
    if config.answer_shutdown {
        control::spawn(store, hypervisor, scheduler, shutdown)?;
    }
    Ok(Provides { shutdown, xenstore: store })
}
