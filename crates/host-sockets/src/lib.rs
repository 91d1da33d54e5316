#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod addresses;
mod dns;
mod error;
mod files;
mod forward;
mod pollers;
mod resolver;
mod socket;
mod stack;
mod table;

pub use forward::ForwardError;
pub use stack::HostSockets;

use alloc::boxed::Box;
use core::fmt;

use iface_clock::Clock;
use iface_events::{Events, SubscribeError};
use iface_platform::Platform;
use iface_scheduler::Scheduler;
use rustix::io::Errno;

/// Settings, from `libs.host-sockets`.
#[derive(Debug)]
pub struct Config {
    /// How long a name server may take to answer before it is asked again or the next one is, in milliseconds.
    pub resolve_timeout_ms: u32,
}

/// What it needs.
pub struct Needs<C, E, P, S> {
    /// Times the questions to name servers.
    pub clock: C,
    /// Tells that sockets became ready.
    pub events: E,
    /// Tells which ports are forwarded.
    pub platform: P,
    /// Suspends the threads that wait.
    pub scheduler: S,
}

/// What it provides.
pub struct Provides<N> {
    /// The host's sockets.
    pub net_stack: N,
}

/// Why it did not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitError {
    /// The kernel gave no epoll instance.
    Epoll(Errno),
    /// The platform does not take it as an event source.
    Events(SubscribeError),
    /// A setting `forward=` is malformed.
    Forward(ForwardError),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Epoll(errno) => write!(f, "no epoll instance can be had ({errno})"),
            Self::Events(error) => error.fmt(f),
            Self::Forward(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for InitError {}

/// Opens the epoll instance that all pollers hang on, and subscribes it.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<C: Clock, E: Events, P: Platform, S: Scheduler>(
    config: &'static Config,
    needs: Needs<C, E, P, S>,
) -> Result<Provides<HostSockets<C, S>>, InitError> {
    let forwards = forward::Forwards::new(needs.platform.command_line()).map_err(InitError::Forward)?;
    let pollers: &'static _ = Box::leak(Box::new(pollers::Pollers::new().map_err(InitError::Epoll)?));
    let net_stack = HostSockets::new(config, needs.clock, needs.scheduler, pollers, forwards);
    needs
        .events
        .subscribe(pollers.source(), Box::new(move || net_stack.on_event()))
        .map_err(InitError::Events)?;
    Ok(Provides { net_stack })
}

#[cfg(test)]
mod tests;
