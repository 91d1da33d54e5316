//! One TCP connection: the protocol's state machine while there is one, and what the application made of it.

use iface_clock::Instant;
use iface_net_stack::{Progress, Readiness, SocketError};
use smoltcp::iface::Interface;
use smoltcp::socket::tcp::{self, State};
use smoltcp::time::Duration;

use crate::engine::micros;
use crate::flow::{Flow, Segment};
use crate::machine::Machine;
use crate::port::Way;
use crate::sleep::{self, Numbers, Peer};

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

/// Whether the handshake is still going on.
const fn is_opening(state: State) -> bool {
    matches!(state, State::SynSent | State::SynReceived | State::Listen)
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
    life: Life,
    pub role: Role,
    pub flow: Flow,
    /// How its packets go; those that come another way are somebody else's.
    pub way: Way,
    /// When it was opened.
    pub begun: Instant,
    /// When the peer was last heard of.
    pub heard: Instant,
    /// What the peer said of itself, as soon as it has.
    pub peer: Option<Peer>,
    /// It is in the queue of those that may sleep soon.
    pub drowsy: bool,
    /// Memory was too short to wake it, so it has no room to send.
    pub starved: bool,
    /// Why it ended, where it did not end well.
    pub error: Option<SocketError>,
    /// Numbers of the last segment sent.
    pub numbers: Option<(u32, u32)>,
}

/// What there is of a connection.
enum Life {
    Awake(Machine),
    /// Established, with nothing to send, to acknowledge or to read.
    Asleep(Numbers),
}

impl Connection {
    /// A closed one for a peer.
    pub fn new(
        mut machine: Machine,
        tuning: &Tuning,
        flow: Flow,
        way: Way,
        role: Role,
        now: Instant,
    ) -> Self {
        machine.renew(tuning);
        Self {
            life: Life::Awake(machine),
            role,
            flow,
            way,
            begun: now,
            heard: now,
            peer: None,
            drowsy: false,
            starved: false,
            error: None,
            numbers: None,
        }
    }

    /// The state machine, of one that is awake.
    pub const fn machine(&self) -> Option<&Machine> {
        match &self.life {
            Life::Awake(machine) => Some(machine),
            Life::Asleep(_) => None,
        }
    }

    /// The state machine, to change it.
    pub const fn machine_mut(&mut self) -> Option<&mut Machine> {
        match &mut self.life {
            Life::Awake(machine) => Some(machine),
            Life::Asleep(_) => None,
        }
    }

    /// The state machine of one that is over.
    pub fn into_machine(self) -> Option<Machine> {
        match self.life {
            Life::Awake(machine) => Some(machine),
            Life::Asleep(_) => None,
        }
    }

    fn socket(&self) -> Option<&tcp::Socket<'static>> {
        self.machine().map(Machine::socket)
    }

    /// What is in the state machine, to change it.
    pub fn socket_mut(&mut self) -> Option<&mut tcp::Socket<'static>> {
        self.machine_mut().map(Machine::socket_mut)
    }

    /// Whether it sleeps.
    pub const fn is_asleep(&self) -> bool {
        matches!(self.life, Life::Asleep(_))
    }

    /// The peer was heard of, in a segment that came this way.
    pub fn hear(&mut self, way: Way, segment: &Segment, frame: &[u8], now: Instant) {
        self.heard = now;
        match &mut self.peer {
            Some(peer) => peer.window = segment.window,
            None => self.peer = Peer::of(way, frame),
        }
    }

    /// Whether the peer has acknowledged all that was to be sent.
    pub fn has_sent_all(&self) -> bool {
        self.socket().is_none_or(|socket| socket.send_queue() == 0)
    }

    /// Whether it could sleep, as far as bytes are concerned.
    pub fn is_quiet(&self) -> bool {
        let has_none = |socket: &tcp::Socket<'_>| socket.send_queue() == 0 && socket.recv_queue() == 0;
        self.peer.is_some() && self.state() == State::Established && self.socket().is_some_and(has_none)
    }

    /// Puts one to sleep that is quiet and has no segment to send; `own` has its address. Returns its state machine, which
    /// is closed; `None` if it could not be put to sleep.
    pub fn fall_asleep(&mut self, own: &mut Interface, now: Instant) -> Option<Machine> {
        let numbers = Numbers::of(self.machine_mut()?, own, micros(now))?;
        match core::mem::replace(&mut self.life, Life::Asleep(numbers)) {
            Life::Awake(machine) => Some(machine),
            Life::Asleep(_) => None,
        }
    }

    /// Wakes one that sleeps, with a closed state machine, which is then as it was when the peer was last heard of: if that is
    /// long ago, it asks whether the peer is there still.
    pub fn wake(&mut self, mut machine: Machine, tuning: &Tuning) {
        let (Life::Asleep(numbers), Some(peer)) = (&self.life, &self.peer) else { return };
        machine.renew(tuning);
        self.starved = false;
        if !sleep::resume(&mut machine, &self.flow, peer, *numbers, micros(self.heard)) {
            machine.socket_mut().abort();
            self.error = Some(SocketError::Reset);
        }
        self.life = Life::Awake(machine);
        self.update_timeout(tuning);
    }

    /// The state of RFC 9293, section 3.3.2.
    pub fn state(&self) -> State {
        self.socket().map_or(State::Established, tcp::Socket::state)
    }

    /// Whether the application gave it up.
    pub const fn is_orphan(&self) -> bool {
        matches!(self.role, Role::Orphan(_))
    }

    /// Whether the handshake is still going on.
    pub fn is_opening(&self) -> bool {
        is_opening(self.state())
    }

    /// Has the peer count as gone after a time only while it owes an answer: the state machine would otherwise end
    /// connections that are merely silent.
    pub fn update_timeout(&mut self, tuning: &Tuning) {
        let Some(socket) = self.socket_mut() else { return };
        let is_opening = is_opening(socket.state());
        let timeout = match (is_opening, socket.send_queue() > 0, tuning.keep_alive) {
            (true, ..) => Some(tuning.handshake),
            (_, true, _) => Some(tuning.dead_peer),
            // Two probes go unanswered.
            (_, _, Some(interval)) => Some(interval * 3),
            _ => None,
        };
        socket.set_timeout(timeout);
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        let Some(socket) = self.socket() else {
            let has_room = !self.starved;
            return Progress {
                is_established: true,
                has_ended: false,
                has_unread: false,
                has_room,
                failure: self.error,
            };
        };
        let has_ended = matches!(
            socket.state(),
            State::Closed | State::CloseWait | State::LastAck | State::Closing | State::TimeWait
        );
        Progress {
            is_established: !self.is_opening() && self.error != Some(SocketError::Refused),
            has_ended,
            has_unread: socket.recv_queue() > 0,
            has_room: has_room(socket),
            failure: self.error,
        }
    }

    /// Bytes that were received, and not taken.
    pub fn unread(&self) -> usize {
        self.socket().map_or(0, |socket| socket.recv_queue())
    }

    /// What can be done with it.
    pub fn readiness(&self) -> Readiness {
        if self.error.is_some() {
            return Readiness::BOTH;
        }
        let Some(socket) = self.socket() else {
            return Readiness { readable: false, writable: !self.starved };
        };
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
        let Some(socket) = self.socket_mut() else { return Err(SocketError::WouldBlock) };
        match socket.recv_slice(buffer) {
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
        let Some(socket) = self.socket_mut() else { return Err(SocketError::WouldBlock) };
        match socket.send_slice(bytes) {
            Ok(0) if !bytes.is_empty() => Err(SocketError::WouldBlock),
            Ok(length) => Ok(length),
            Err(tcp::SendError::InvalidState) => Err(SocketError::Closed),
        }
    }

    /// Drops what was received, so that the peer of an orphan can go on to its end.
    pub fn discard_received(&mut self) {
        let Some(socket) = self.socket_mut() else { return };
        while socket.can_recv() && socket.recv(|bytes| (bytes.len(), ())).is_ok() {}
    }
}
