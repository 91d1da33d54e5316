//! A listening TCP socket.

use alloc::collections::VecDeque;

use iface_net_stack::Binding;

/// Connections on their way to being accepted, by their numbers.
pub struct Listener {
    pub binding: Binding,
    backlog: usize,
    /// In the handshake, the oldest first.
    half_open: VecDeque<u32>,
    /// Established, the oldest first.
    queue: VecDeque<u32>,
}

impl Listener {
    /// Of at most `backlog` connections that are not accepted yet.
    pub const fn new(binding: Binding, backlog: usize) -> Self {
        Self { binding, backlog, half_open: VecDeque::new(), queue: VecDeque::new() }
    }

    /// Whether a connection waits to be accepted.
    pub fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether there is no place for one more handshake.
    pub fn is_full(&self) -> bool {
        self.half_open.len() + self.queue.len() >= self.backlog
    }

    /// The handshake that has gone on longest.
    pub fn oldest_half_open(&self) -> Option<u32> {
        self.half_open.front().copied()
    }

    /// A handshake began.
    pub fn begin(&mut self, number: u32) {
        self.half_open.push_back(number);
    }

    /// A connection is established.
    pub fn establish(&mut self, number: u32) {
        self.forget(number);
        self.queue.push_back(number);
    }

    /// A connection ended before it was accepted.
    pub fn forget(&mut self, number: u32) {
        for queue in [&mut self.half_open, &mut self.queue] {
            // Handshakes mostly end in the order in which they began, so this looks at the first.
            if let Some(place) = queue.iter().position(|other| *other == number) {
                queue.remove(place);
                return;
            }
        }
    }

    /// Takes the connection that has waited longest.
    pub fn accept(&mut self) -> Option<u32> {
        self.queue.pop_front()
    }

    /// Every connection that was not accepted.
    pub fn into_connections(self) -> impl Iterator<Item = u32> {
        self.half_open.into_iter().chain(self.queue)
    }
}
