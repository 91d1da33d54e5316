//! Pollers: lists of the sockets that are ready.

use alloc::{collections::VecDeque, vec::Vec};

use iface_net_stack::{Poller, Readiness};
use iface_scheduler::ThreadId;

/// How a socket is watched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watch {
    poller: Option<Poller>,
    pub interest: Readiness,
    pub token: usize,
    /// Counts the watches, so that a list's older mention of the socket is known as such.
    serial: u32,
    /// The socket is in its poller's list.
    listed: bool,
}

impl Watch {
    /// Ends the watch.
    pub fn end(&mut self) {
        *self = Self { serial: self.serial.wrapping_add(1), ..Self::default() };
    }

    /// Has `poller` watch.
    pub fn begin(&mut self, poller: Poller, interest: Readiness, token: usize) {
        let serial = self.serial.wrapping_add(1);
        *self = Self { poller: Some(poller), interest, token, serial, listed: false };
    }

    /// Whether a change of the socket is of interest to a poller that does not know of it yet.
    pub const fn is_open(&self) -> bool {
        self.poller.is_some() && !self.listed
    }

    /// Whether `mention` in a list is of this watch.
    pub const fn is_of(&self, mention: Mention) -> bool {
        self.serial == mention.serial
    }

    /// The socket was found not to be ready and is off the list.
    pub const fn unlist(&mut self) {
        self.listed = false;
    }
}

/// That a socket was ready, in a poller's list.
#[derive(Clone, Copy, Debug)]
pub struct Mention {
    pub number: u32,
    serial: u32,
}

/// Every poller.
#[derive(Default)]
pub struct Pollers {
    pollers: Vec<State>,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Mention>,
    waiting: Option<ThreadId>,
}

impl Pollers {
    /// A new one.
    pub fn create(&mut self) -> Poller {
        self.pollers.push(State::default());
        Poller(self.pollers.len() as u32 - 1)
    }

    /// Whether `poller` was made here.
    pub fn has(&self, poller: Poller) -> bool {
        (poller.0 as usize) < self.pollers.len()
    }

    /// Lists a socket that is ready, and returns the thread that waits for it.
    pub fn list(&mut self, number: u32, watch: &mut Watch) -> Option<ThreadId> {
        let state = self.pollers.get_mut(watch.poller?.0 as usize)?;
        watch.listed = true;
        state.ready.push_back(Mention { number, serial: watch.serial });
        state.waiting.take()
    }

    /// How many mentions there are.
    pub fn listed(&self, poller: Poller) -> usize {
        self.pollers.get(poller.0 as usize).map_or(0, |state| state.ready.len())
    }

    /// Takes the oldest mention.
    pub fn next(&mut self, poller: Poller) -> Option<Mention> {
        self.pollers.get_mut(poller.0 as usize)?.ready.pop_front()
    }

    /// Puts a mention back, behind the others.
    pub fn keep(&mut self, poller: Poller, mention: Mention) {
        if let Some(state) = self.pollers.get_mut(poller.0 as usize) {
            state.ready.push_back(mention);
        }
    }

    /// Names the thread that waits at `poller`, or none.
    pub fn set_waiting(&mut self, poller: Poller, thread: Option<ThreadId>) {
        if let Some(state) = self.pollers.get_mut(poller.0 as usize) {
            state.waiting = thread;
        }
    }
}
