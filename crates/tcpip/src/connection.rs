//! One TCP connection: the protocol's state machine alone in its own set, and what the application made of it.

use alloc::vec::Vec;

use iface_clock::Instant;
use iface_net_stack::{Progress, Readiness, SocketError};
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp::{self, State};
use smoltcp::time::Duration;

use crate::flow::Flow;
use crate::port::Way;

/// How connections are set up; the fields are the room's options.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// Bytes that may wait for the application to read them.
    pub receive_buffer: usize,
    /// Bytes that may wait to be sent or acknowledged, at least.
    pub send_buffer: usize,
    /// The same where memory is plentiful, at most.
    pub longest_send_buffer: usize,
    /// Whether small segments wait for the acknowledgement of earlier ones (RFC 896).
    pub nagle: bool,
    /// How long an acknowledgement waits for data to go with (RFC 9293, section 3.8.6.3).
    pub acknowledgement_delay: Duration,
    /// How congestion is answered.
    pub congestion_control: tcp::CongestionControl,
    /// How long a peer may owe an acknowledgement before it counts as gone.
    pub dead_peer: Duration,
    /// How long the handshake may take.
    pub handshake: Duration,
    /// How long a connection is silent before it is probed (RFC 9293, section 3.8.4).
    pub keep_alive: Option<Duration>,
}

/// Bytes in one piece that a new connection leaves to the rest of the image.
const MEMORY_LEFT: usize = 128 * 1024;

fn zeroed(length: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).ok()?;
    bytes.resize(length, 0);
    Some(bytes)
}

/// Whether bytes to send are worth asking for: where some wait to be acknowledged, a third of the buffer is free. With each
/// few bytes that come free the application would send as few.
fn has_room(socket: &tcp::Socket<'_>) -> bool {
    let queued = socket.send_queue();
    socket.can_send() && 2 * (socket.send_capacity() - queued) >= queued
}

/// What a connection is to this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Came to the listener with this number and is not established.
    HalfOpen(u32),
    /// Waits in the queue of the listener with this number.
    Queued(u32),
    /// The application has it.
    Held,
    /// The application gave it up; it ends by itself, at the latest at this time.
    Orphan(Instant),
}

/// A connection.
pub struct Connection {
    pub sockets: SocketSet<'static>,
    handle: SocketHandle,
    pub role: Role,
    pub flow: Flow,
    /// How its packets go; those that come another way are somebody else's.
    pub way: Way,
    /// When it was opened.
    pub begun: Instant,
    /// Why it ended, where it did not end well.
    pub error: Option<SocketError>,
    /// Numbers of the last segment sent.
    pub numbers: Option<(u32, u32)>,
}

impl Connection {
    /// A closed one with buffers, to be [renewed](Connection::renew) for a peer, of which the one to send from is
    /// `send_buffer` bytes long. `None` where memory is short: peers decide how many connections there are, so that must
    /// not end the image.
    pub fn new(tuning: &Tuning, send_buffer: usize) -> Option<Self> {
        let (receive, send) = (zeroed(tuning.receive_buffer)?, zeroed(send_buffer)?);
        Vec::<u8>::new().try_reserve_exact(MEMORY_LEFT).ok()?;
        let socket = tcp::Socket::new(tcp::SocketBuffer::new(receive), tcp::SocketBuffer::new(send));
        let mut sockets = SocketSet::new(Vec::with_capacity(1));
        let handle = sockets.add(socket);
        let (role, flow, way) = (Role::Held, Flow::NONE, Way::Card);
        Some(Self { sockets, handle, role, flow, way, begun: Instant::START, error: None, numbers: None })
    }

    /// Makes one that is over fit for the next peer.
    pub fn renew(&mut self, tuning: &Tuning, flow: Flow, way: Way, role: Role, now: Instant) {
        (self.flow, self.way, self.role, self.begun) = (flow, way, role, now);
        (self.error, self.numbers) = (None, None);
        let socket = self.socket_mut();
        socket.abort();
        socket.set_nagle_enabled(tuning.nagle);
        socket.set_ack_delay(Some(tuning.acknowledgement_delay));
        socket.set_congestion_control(tuning.congestion_control);
        socket.set_keep_alive(tuning.keep_alive);
        socket.set_timeout(Some(tuning.handshake));
    }

    /// The state machine.
    pub fn socket(&self) -> &tcp::Socket<'static> {
        self.sockets.get(self.handle)
    }

    /// The state machine, to change it.
    pub fn socket_mut(&mut self) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    /// The state of RFC 9293, section 3.3.2.
    pub fn state(&self) -> State {
        self.socket().state()
    }

    /// Whether the application gave it up.
    pub const fn is_orphan(&self) -> bool {
        matches!(self.role, Role::Orphan(_))
    }

    /// Whether the handshake is still going on.
    pub fn is_opening(&self) -> bool {
        matches!(self.state(), State::SynSent | State::SynReceived | State::Listen)
    }

    /// Has the peer count as gone after a time only while it owes an answer: the state machine would otherwise end
    /// connections that are merely silent.
    pub fn update_timeout(&mut self, tuning: &Tuning) {
        let timeout = match (self.is_opening(), self.socket().send_queue() > 0, tuning.keep_alive) {
            (true, ..) => Some(tuning.handshake),
            (_, true, _) => Some(tuning.dead_peer),
            // Two probes go unanswered.
            (_, _, Some(interval)) => Some(interval * 3),
            _ => None,
        };
        self.socket_mut().set_timeout(timeout);
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        let socket = self.socket();
        let has_ended = matches!(
            socket.state(),
            State::Closed | State::CloseWait | State::LastAck | State::Closing | State::TimeWait
        );
        Progress {
            is_established: !self.is_opening() && self.error != Some(SocketError::Refused),
            has_ended,
            unread: socket.recv_queue(),
            has_room: has_room(socket),
            failure: self.error,
        }
    }

    /// What can be done with it.
    pub fn readiness(&self) -> Readiness {
        let socket = self.socket();
        if self.error.is_some() {
            return Readiness::BOTH;
        }
        match socket.state() {
            State::Listen | State::SynSent | State::SynReceived => Readiness::NONE,
            State::Established | State::CloseWait => Readiness {
                readable: socket.can_recv() || socket.state() == State::CloseWait,
                writable: has_room(socket),
            },
            State::FinWait1 | State::FinWait2 => Readiness { readable: socket.can_recv(), writable: true },
            State::Closed | State::Closing | State::LastAck | State::TimeWait => Readiness::BOTH,
        }
    }

    /// Takes received bytes.
    pub fn recv(&mut self, buffer: &mut [u8]) -> Result<usize, SocketError> {
        if self.is_opening() {
            return Err(self.error.unwrap_or(SocketError::WouldBlock));
        }
        match self.socket_mut().recv_slice(buffer) {
            Ok(0) if !buffer.is_empty() => Err(SocketError::WouldBlock),
            Ok(length) => Ok(length),
            Err(tcp::RecvError::Finished) => Ok(0),
            Err(tcp::RecvError::InvalidState) => self.error.map_or(Ok(0), Err),
        }
    }

    /// Takes bytes to send.
    pub fn send(&mut self, bytes: &[u8]) -> Result<usize, SocketError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if self.is_opening() {
            return Err(SocketError::WouldBlock);
        }
        match self.socket_mut().send_slice(bytes) {
            Ok(0) if !bytes.is_empty() => Err(SocketError::WouldBlock),
            Ok(length) => Ok(length),
            Err(tcp::SendError::InvalidState) => Err(SocketError::Closed),
        }
    }

    /// Drops what was received, so that the peer of an orphan can go on to its end.
    pub fn discard_received(&mut self) {
        let socket = self.socket_mut();
        while socket.can_recv() && socket.recv(|bytes| (bytes.len(), ())).is_ok() {}
    }
}
