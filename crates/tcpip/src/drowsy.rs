//! Connections that may sleep soon, in the order in which they were last looked at.

use alloc::collections::VecDeque;

use iface_clock::{Duration, Instant};
use iface_net_stack::Socket;

/// How long a connection is quiet before it sleeps: longer than the pauses of a client that is at work, so that waking is
/// rare, and short beside the time that clients keep connections for.
pub const QUIET: Duration = Duration::from_secs(1);

/// A queue of names, each with the time at which it is looked at. A name may be of a connection that is gone.
#[derive(Debug, Default)]
pub struct Drowsy {
    queue: VecDeque<(Socket, Instant)>,
}

impl Drowsy {
    /// Has `socket` looked at when it may have been quiet for long enough.
    pub fn add(&mut self, socket: Socket, now: Instant) {
        self.queue.push_back((socket, now + QUIET));
    }

    /// Whether there is memory for so many.
    pub fn reserve(&mut self, names: usize) -> bool {
        self.queue.try_reserve(names.saturating_sub(self.queue.len())).is_ok()
    }

    /// When the first one is to be looked at.
    pub fn earliest(&self) -> Option<Instant> {
        self.queue.front().map(|(_, at)| *at)
    }

    /// Takes one whose time has come.
    pub fn pop(&mut self, now: Instant) -> Option<Socket> {
        self.earliest().filter(|at| *at <= now)?;
        self.pop_early()
    }

    /// Takes the first one, whether its time has come or not.
    pub fn pop_early(&mut self) -> Option<Socket> {
        self.queue.pop_front().map(|(socket, _)| socket)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.queue.len()
    }
}
