#![doc = include_str!("../README.md")]
#![no_std]
#![expect(
    unsafe_code,
    reason = "a thread is suspended in the middle of a borrow, which only we know to last"
)]

extern crate alloc;

mod alarms;
mod coop;
mod fiber;
mod roster;

#[cfg(test)]
mod fakes;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use core::convert::Infallible;

use iface_arch::Arch;
use iface_clock::Clock;
use iface_events::Events;
use iface_memory::Memory;
use iface_scheduler::Scheduler;

use coop::Coop;

/// Settings, from `libs.sched-coop`.
#[derive(Debug)]
pub struct Config {
    /// Stack of each thread but the first, in KiB.
    pub stack_kib: u32,
}

/// What it needs.
#[derive(Debug)]
pub struct Needs<A, C, E, M> {
    /// Switches between threads.
    pub arch: A,
    /// Tells when a deadline is reached.
    pub clock: C,
    /// What an idle image waits for.
    pub events: E,
    /// Gives stacks.
    pub memory: M,
}

/// What it provides.
#[derive(Debug)]
pub struct Provides<S> {
    /// The threads.
    pub scheduler: S,
}

/// Makes the running code the first thread.
///
/// # Errors
/// None.
pub fn init<A: Arch, C: Clock, E: Events, M: Memory>(
    config: &'static Config,
    needs: Needs<A, C, E, M>,
) -> Result<Provides<impl Scheduler>, Infallible> {
    let scheduler: &'static Coop<A, C, E, M> = Box::leak(Box::new(Coop::new(config, needs)));
    Ok(Provides { scheduler })
}
