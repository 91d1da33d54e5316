//! All clients: who is served next, and who has made no progress for too long.

use alloc::{vec, vec::Vec};

use iface_clock::{Clock, Duration, Instant};
use iface_filesystem::FileSystem;
use iface_net_stack::{Event, Ipv6Addr, NetStack, OpenError, Poller, Readiness, Socket};

use crate::{
    Config, Needs,
    connection::{Connection, Next, Scratch},
};

/// The listener's token; a connection's is its place in the table.
const LISTENER: usize = usize::MAX;

/// Connections that may wait to be accepted, those in the handshake included: a burst of so many is served even where each
/// answer is late by a second. They hold 33 KiB each, so 8 MiB.
const BACKLOG: usize = 256;

/// How long new clients are left waiting before it is looked again whether one was answered in full.
const PAUSE: Duration = Duration::from_millis(100);

/// Events taken from the stack at once.
const EVENTS: usize = 64;

/// The server and its clients.
pub struct Server<C, F, N> {
    needs: Needs<C, F, N>,
    limit: usize,
    keep_alive: Duration,
    listener: Socket,
    poller: Poller,
    events: Vec<Event>,
    scratch: Scratch,
    /// Clients, in places that are used again.
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    /// Whether the listener is not watched, since there is no room.
    paused: bool,
    /// No client's time is up before this; `None` without clients.
    next_sweep: Option<Instant>,
}

impl<C: Clock, F: FileSystem, N: NetStack> Server<C, F, N> {
    /// Listens.
    ///
    /// # Errors
    /// When the stack can't listen on the port.
    pub fn open(config: &Config, needs: Needs<C, F, N>) -> Result<Self, OpenError> {
        let stack = needs.net_stack;
        let listener = stack.tcp_listen((Ipv6Addr::UNSPECIFIED, config.port).into(), BACKLOG)?;
        let poller = stack.poller();
        let mut server = Self {
            needs,
            limit: config.connections.max(1),
            keep_alive: Duration::from_secs(config.keep_alive_seconds.into()),
            listener,
            poller,
            events: vec![Event::default(); EVENTS],
            scratch: Scratch::new(),
            connections: Vec::new(),
            free: Vec::new(),
            paused: false,
            next_sweep: None,
        };
        server.pause(false);
        log::info!("listening on port {}", config.port);
        Ok(server)
    }

    /// Waits until there is something to do, and does it.
    pub fn turn(&mut self) {
        let mut events = core::mem::take(&mut self.events);
        let count = self.needs.net_stack.wait(self.poller, &mut events, self.next_sweep);
        let now = self.needs.clock.now();
        let date = self.needs.clock.wall_clock().map(|time| time.as_secs());
        for event in &events[..count] {
            match event.token {
                LISTENER => self.accept(now),
                place => self.serve(place, now, date),
            }
        }
        self.events = events;
        if self.next_sweep.is_some_and(|due| now >= due) {
            self.sweep(now);
        }
    }

    fn serve(&mut self, place: usize, now: Instant, date: Option<u64>) {
        // The client may be gone already, by an event before this one.
        let Some(connection) = self.connections.get_mut(place).and_then(Option::as_mut) else { return };
        let stack = self.needs.net_stack;
        let next = connection.serve(stack, self.needs.filesystem, date, &mut self.scratch);
        if core::mem::take(&mut connection.advanced) {
            connection.active = now;
        }
        match next {
            Next::Wait(interest) if interest == connection.interest => {}
            Next::Wait(interest) => {
                connection.interest = interest;
                if stack.watch(self.poller, connection.socket, interest, place).is_err() {
                    self.close(place);
                }
            }
            Next::Over => self.close(place),
        }
    }

    /// Accepts whoever waits, up to the limit; there, one that owes a request goes for each new one. Where all are being
    /// answered, those who wait are left to the stack's backlog.
    fn accept(&mut self, now: Instant) {
        loop {
            let full = self.connections.len() - self.free.len() >= self.limit;
            let idle = if full { self.longest_idle(now) } else { None };
            if full && idle.is_none() {
                self.pause(true);
                self.sweep_by(now + PAUSE);
                return;
            }
            let Ok((socket, _)) = self.needs.net_stack.tcp_accept(self.listener) else { return };
            if let Some(place) = idle {
                self.close(place);
            }
            self.admit(socket, now);
            self.sweep_by(now + self.keep_alive);
        }
    }

    /// The client that has owed a request longest. One that was accepted just now owes one as well, but closing it for
    /// the next would serve nobody.
    fn longest_idle(&self, now: Instant) -> Option<usize> {
        let idle = |connection: &Connection| connection.is_idle() && connection.active < now;
        let places = self.connections.iter().enumerate();
        let candidates =
            places.filter_map(|(place, open)| Some((open.as_ref().filter(|open| idle(open))?.active, place)));
        candidates.min().map(|(_, place)| place)
    }

    fn admit(&mut self, socket: Socket, now: Instant) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        let mut connection = Connection::new(socket, now);
        connection.interest = Readiness::READABLE;
        let watched = self.needs.net_stack.watch(self.poller, socket, connection.interest, place);
        self.connections[place] = Some(connection);
        if watched.is_err() {
            self.close(place);
        }
    }

    fn sweep_by(&mut self, due: Instant) {
        self.next_sweep = Some(self.next_sweep.map_or(due, |sooner| sooner.min(due)));
    }

    fn close(&mut self, place: usize) {
        if let Some(connection) = self.connections[place].take() {
            self.needs.net_stack.close(connection.socket);
            self.free.push(place);
            if self.paused {
                self.pause(false);
            }
        }
        if self.free.len() == self.connections.len() {
            self.next_sweep = None;
        }
    }

    /// Closes who has made no progress for too long, and says when the next one is due.
    fn sweep(&mut self, now: Instant) {
        self.next_sweep = None;
        if self.paused {
            self.pause(false);
        }
        for place in 0..self.connections.len() {
            let Some(connection) = &self.connections[place] else { continue };
            let due = connection.active + self.keep_alive;
            if due <= now {
                self.close(place);
            } else {
                self.sweep_by(due);
            }
        }
    }

    /// Stops watching the listener, or goes on.
    fn pause(&mut self, paused: bool) {
        self.paused = paused;
        let interest = if paused { Readiness::NONE } else { Readiness::READABLE };
        let watched = self.needs.net_stack.watch(self.poller, self.listener, interest, LISTENER);
        debug_assert!(watched.is_ok(), "the listener is never closed");
    }

    /// How many places the table of clients has.
    #[cfg(test)]
    pub fn places(&self) -> usize {
        self.connections.len()
    }
}
