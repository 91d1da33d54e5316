//! Stream sockets of the Internet: what tcp(7), and the sources of Linux where that is silent, say of each state.

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::net::SocketAddr;
use core::time::Duration;

use iface_net_stack::{NetStack, Progress, Socket as StackSocket, SocketError};
use linux_raw_sys::ioctl::{FIONREAD, TIOCOUTQ};
use linux_raw_sys::net::{
    IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY, SO_ACCEPTCONN, SO_DOMAIN, SO_ERROR, SO_PROTOCOL, SO_TYPE,
    SOCK_STREAM, SOL_SOCKET, TCP_CORK, TCP_INFO, TCP_NODELAY, tcp_info,
};
use open_file::{Address, Errno, Half, OpenFile, Readiness, Received, Socket, Status, Watchers};

use crate::facts::{Inodes, status};
use crate::inet::{Version, open_error, put, socket_error, told};
use crate::options::{Kinds, Options, SOL_TCP, number};

/// How far a socket is, with what the stack has for it.
#[derive(Clone, Copy)]
enum Phase {
    Idle,
    Bound(StackSocket),
    Listening(StackSocket),
    Connecting(StackSocket),
    /// Established; or over, once both halves ended in an orderly way.
    Connected(StackSocket),
    /// Was connected or connecting, and failed.
    Failed(StackSocket),
}

/// Whether a call of connect(2) is to tell how connecting went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It told, or nobody connected.
    Told,
    Due,
    /// The socket was shut down after connecting failed, and before that was told: Linux refuses to connect it again.
    Void,
}

/// A stream socket.
pub struct Tcp<N: NetStack> {
    stack: N,
    version: Version,
    phase: Cell<Phase>,
    /// Where a program bound it.
    bound: Cell<Option<SocketAddr>>,
    /// The peer, once there is one.
    peer: Cell<Option<SocketAddr>>,
    outcome: Cell<Outcome>,
    /// Why it failed, until that is told once.
    error: Cell<Option<Errno>>,
    /// The peer's end was seen.
    has_ended: Cell<bool>,
    /// The peer was sent the end.
    sent_end: Cell<bool>,
    /// Halves that were shut down here, of a connection or before there was one.
    shut_reading: Cell<bool>,
    shut_writing: Cell<bool>,
    /// Bytes taken from the stack for a look at them.
    ahead: RefCell<Vec<u8>>,
    options: Options,
    watchers: Rc<Watchers>,
    inodes: Rc<Inodes>,
    inode: u64,
}

impl<N: NetStack> Tcp<N> {
    /// One that is nowhere.
    pub fn new(stack: N, version: Version, inodes: &Rc<Inodes>) -> Self {
        let kinds = match version {
            Version::Four => Kinds::TCP,
            Version::Six => Kinds::TCP6,
        };
        Self::with_options(stack, version, inodes, Options::new(kinds))
    }

    fn with_options(stack: N, version: Version, inodes: &Rc<Inodes>, options: Options) -> Self {
        Self {
            stack,
            version,
            phase: Cell::new(Phase::Idle),
            bound: Cell::new(None),
            peer: Cell::new(None),
            outcome: Cell::new(Outcome::Told),
            error: Cell::new(None),
            has_ended: Cell::new(false),
            sent_end: Cell::new(false),
            shut_reading: Cell::new(false),
            shut_writing: Cell::new(false),
            ahead: RefCell::default(),
            options,
            watchers: Rc::default(),
            inodes: Rc::clone(inodes),
            inode: inodes.next(),
        }
    }

    /// One that a listener accepted.
    fn accepted(&self, socket: StackSocket, peer: SocketAddr) -> Self {
        let new = Self::with_options(self.stack, self.version, &self.inodes, self.options.clone());
        new.peer.set(Some(peer));
        new.shut_reading.set(self.shut_reading.get());
        new.shut_writing.set(self.shut_writing.get());
        new.enter(Phase::Connected(socket), socket);
        new
    }

    /// Goes on to `phase`, from where whoever waits is told of `socket`.
    fn enter(&self, phase: Phase, socket: StackSocket) {
        self.phase.set(phase);
        // It is open, so it can be told of.
        let _ = self.stack.notify(socket, Some(told(&self.watchers)));
        self.hold(self.options.holds());
    }

    /// Gives up what the stack has. Whoever sent what nobody read is told by a reset (RFC 2525, section 2.17).
    fn leave(&self) {
        self.follow();
        match self.phase.replace(Phase::Idle) {
            Phase::Idle => {}
            Phase::Connected(socket) if self.options.resets() || self.unread(socket) > 0 => {
                self.stack.abort(socket);
            }
            Phase::Connecting(socket) | Phase::Failed(socket) => self.stack.abort(socket),
            Phase::Bound(socket) | Phase::Listening(socket) | Phase::Connected(socket) => {
                self.stack.close(socket);
            }
        }
        self.ahead.take();
    }

    /// Becomes what it was before it listened or began to connect, as `tcp_disconnect()` of Linux does.
    fn disconnect(&self) {
        self.leave();
        self.has_ended.set(false);
        self.shut_reading.set(false);
        self.shut_writing.set(false);
        self.outcome.set(Outcome::Told);
        if let Some(local) = self.bound.get() {
            // It had this address until now, and nobody else ran since.
            let _ = self.bind_to(local);
        }
    }

    /// Ends a connection for who connects to nowhere.
    fn abort(&self) {
        let is_open =
            matches!(self.phase.get(), Phase::Connecting(_) | Phase::Connected(_)) && !self.is_over();
        if let Phase::Connected(socket) = self.phase.get() {
            self.stack.abort(socket);
        }
        self.disconnect();
        if is_open {
            self.error.set(Some(Errno::ECONNRESET));
        }
        self.watchers.notify(self.readiness());
    }

    /// Follows what became of a connection; `None` where there is none.
    fn follow(&self) -> Option<Progress> {
        let (Phase::Connecting(socket) | Phase::Connected(socket)) = self.phase.get() else { return None };
        let progress = self.stack.progress(socket).ok()?;
        if let Some(failure) = progress.failure {
            self.error.set(Some(match failure {
                // Whoever knows the end can only write (Linux, tcp_reset()).
                SocketError::Reset if self.has_ended.get() => Errno::EPIPE,
                SocketError::Unreachable => Errno::EHOSTUNREACH,
                failure => socket_error(failure),
            }));
            self.phase.set(Phase::Failed(socket));
        } else if progress.is_established {
            self.has_ended.set(progress.has_ended);
            self.phase.set(Phase::Connected(socket));
        }
        Some(progress)
    }

    /// Whether there is no connection any more: it failed, or both halves ended.
    fn is_over(&self) -> bool {
        match self.phase.get() {
            Phase::Failed(_) => true,
            Phase::Connected(_) => self.sent_end.get() && self.has_ended.get(),
            _ => false,
        }
    }

    /// Why it failed, told this once; else `otherwise`.
    fn failure<T>(&self, otherwise: Result<T, Errno>) -> Result<T, Errno> {
        self.error.take().map_or(otherwise, Err)
    }

    fn has_error(&self) -> bool {
        let error = self.error.take();
        self.error.set(error);
        error.is_some()
    }

    /// Bytes that can be read.
    fn unread(&self, socket: StackSocket) -> usize {
        self.stack.unread(socket) + self.ahead.borrow().len()
    }

    /// Has `ahead` hold `wanted` bytes, or all that there are.
    fn look_ahead(&self, socket: StackSocket, wanted: usize) {
        let mut ahead = self.ahead.borrow_mut();
        let missing = wanted.saturating_sub(ahead.len()).min(self.stack.unread(socket));
        let held = ahead.len();
        if missing > 0 && ahead.try_reserve(missing).is_ok() {
            ahead.resize(held + missing, 0);
            let got = self.stack.recv(socket, &mut ahead[held..]).unwrap_or(0);
            ahead.truncate(held + got);
        }
    }

    /// Takes bytes that were looked at before, as far as there are.
    fn take_ahead(&self, buffer: &mut [u8], peek: bool) -> usize {
        let mut ahead = self.ahead.borrow_mut();
        let length = buffer.len().min(ahead.len());
        buffer[..length].copy_from_slice(&ahead[..length]);
        if !peek {
            ahead.drain(..length);
        }
        length
    }

    /// Takes bytes of a connection, whatever became of it since they came; 0 where there are none.
    fn take(&self, socket: StackSocket, buffer: &mut [u8], peek: bool) -> usize {
        if peek {
            self.look_ahead(socket, buffer.len());
        }
        let length = self.take_ahead(buffer, peek);
        if peek || length == buffer.len() {
            return length;
        }
        length + self.stack.recv(socket, &mut buffer[length..]).unwrap_or(0)
    }

    fn receive_bytes(&self, buffer: &mut [u8], peek: bool) -> Result<usize, Errno> {
        let (Phase::Connecting(socket) | Phase::Connected(socket) | Phase::Failed(socket)) = self.phase.get()
        else {
            return self.receive_unconnected();
        };
        if buffer.is_empty() && self.unread(socket) > 0 {
            return Ok(0);
        }
        match self.take(socket, buffer, peek) {
            0 => self.receive_nothing(),
            length => Ok(length),
        }
    }

    fn receive_unconnected(&self) -> Result<usize, Errno> {
        match self.phase.get() {
            Phase::Listening(_) => Err(Errno::ENOTCONN),
            _ => self.failure(if self.shut_reading.get() { Ok(0) } else { Err(Errno::ENOTCONN) }),
        }
    }

    /// What is said where there are no bytes.
    fn receive_nothing(&self) -> Result<usize, Errno> {
        self.follow();
        if self.has_ended.get() {
            return Ok(0);
        }
        let has_ended = self.shut_reading.get() || self.is_over();
        self.failure(if has_ended { Ok(0) } else { Err(Errno::EAGAIN) })
    }

    /// Has the stack hold what does not fill a segment, or send it.
    fn hold(&self, held: bool) {
        if let Phase::Connecting(socket) | Phase::Connected(socket) = self.phase.get() {
            self.stack.hold(socket, held);
        }
    }

    fn send_bytes(&self, bytes: &[u8]) -> Result<usize, Errno> {
        match self.phase.get() {
            Phase::Connected(socket) if !self.shut_writing.get() && !bytes.is_empty() => {
                match self.stack.send(socket, bytes) {
                    Ok(length) => Ok(length),
                    Err(SocketError::WouldBlock) => Err(Errno::EAGAIN),
                    Err(_) => {
                        self.follow();
                        self.failure(Err(Errno::EPIPE))
                    }
                }
            }
            Phase::Connecting(_) if self.follow().is_some_and(|progress| progress.is_established) => {
                self.send_bytes(bytes)
            }
            _ => self.send_nothing(),
        }
    }

    /// What is said where no bytes can be sent, or there are none.
    fn send_nothing(&self) -> Result<usize, Errno> {
        self.follow();
        self.failure(match self.phase.get() {
            Phase::Connecting(_) => Err(Errno::EAGAIN),
            Phase::Connected(_) if !self.shut_writing.get() => Ok(0),
            _ => Err(Errno::EPIPE),
        })
    }

    fn shut_halves(&self, half: Half) {
        self.shut_reading.set(self.shut_reading.get() || half != Half::Write);
        self.shut_writing.set(self.shut_writing.get() || half != Half::Read);
        if half != Half::Read
            && let Phase::Connected(socket) = self.phase.get()
        {
            self.sent_end.set(true);
            // A connection that failed meanwhile is ended anyway.
            let _ = self.stack.shutdown(socket);
        }
    }

    fn bind_to(&self, local: SocketAddr) -> Result<StackSocket, Errno> {
        let socket = self.stack.tcp_bind(self.options.binding(local)).map_err(open_error)?;
        self.phase.set(Phase::Bound(socket));
        Ok(socket)
    }

    /// Begins to connect.
    fn begin(&self, remote: SocketAddr) -> Result<(), Errno> {
        let socket = match self.phase.get() {
            Phase::Bound(socket) => {
                self.stack.tcp_connect_from(socket, remote).map_err(open_error)?;
                socket
            }
            _ => self.stack.tcp_connect(remote).map_err(open_error)?,
        };
        self.peer.set(Some(remote));
        self.outcome.set(Outcome::Due);
        self.error.set(None);
        self.has_ended.set(false);
        self.sent_end.set(false);
        self.enter(Phase::Connecting(socket), socket);
        Err(Errno::EINPROGRESS)
    }

    /// The bits of poll(2) that a connection, or what is left of one, has; `tcp_poll()` of Linux.
    fn readiness_of(&self, progress: Option<&Progress>) -> Readiness {
        let is_over = self.is_over();
        let no_reading = self.shut_reading.get() || self.has_ended.get() || is_over;
        let no_writing = self.shut_writing.get() || is_over;
        let has_bytes =
            progress.is_some_and(|progress| progress.has_unread) || !self.ahead.borrow().is_empty();
        let is_unconnected = matches!(self.phase.get(), Phase::Idle | Phase::Bound(_));
        let mut ready = Readiness::NONE;
        if no_reading || has_bytes {
            ready |= Readiness::IN;
        }
        if no_reading {
            ready |= Readiness::RDHUP;
        }
        if no_reading && no_writing || is_unconnected {
            ready |= Readiness::HUP;
        }
        if no_writing || is_unconnected || progress.is_some_and(|progress| progress.has_room) {
            ready |= Readiness::OUT;
        }
        if self.has_error() { ready | Readiness::ERR } else { ready }
    }

    /// `struct tcp_info`, of which the state is told and all else is 0 (tcp(7); the numbers are Linux's, `net/tcp_states.h`).
    fn information(&self) -> Vec<u8> {
        self.follow();
        let state = match self.phase.get() {
            Phase::Listening(_) => 10,
            Phase::Connecting(_) => 2,
            Phase::Connected(_) => match (self.sent_end.get(), self.has_ended.get()) {
                (false, false) => 1,
                (true, false) => 5,
                (false, true) => 8,
                (true, true) => 7,
            },
            Phase::Idle | Phase::Bound(_) | Phase::Failed(_) => 7,
        };
        let mut information = vec![0; size_of::<tcp_info>()];
        information[0] = state;
        information
    }

    /// `EINVAL` once the socket has an address: then IPv4 is in or not.
    fn check_settable(&self, level: u32, name: u32) -> Result<(), Errno> {
        let is_only = (level, name) == (IPPROTO_IPV6 as u32, IPV6_V6ONLY);
        if is_only && !matches!(self.phase.get(), Phase::Idle) { Err(Errno::EINVAL) } else { Ok(()) }
    }
}

impl<N: NetStack> OpenFile for Tcp<N> {
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        if buffer.is_empty() { Ok(0) } else { self.receive_bytes(buffer, false) }
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        self.send_bytes(bytes)
    }

    fn status(&self) -> Result<Status, Errno> {
        Ok(status(self.inode))
    }

    fn readiness(&self) -> Readiness {
        let progress = self.follow();
        match self.phase.get() {
            Phase::Listening(socket) if self.stack.readiness(socket).readable => Readiness::IN,
            Phase::Listening(_) => Readiness::NONE,
            Phase::Connecting(_) if !self.shut_reading.get() && !self.shut_writing.get() => Readiness::NONE,
            _ => self.readiness_of(progress.as_ref()),
        }
    }

    fn watchers(&self) -> Option<&Watchers> {
        Some(&self.watchers)
    }

    fn control(&self, request: u32, argument: &mut [u8]) -> Result<usize, Errno> {
        let is_listening = matches!(self.phase.get(), Phase::Listening(_));
        match request {
            FIONREAD | TIOCOUTQ if is_listening => Err(Errno::EINVAL),
            FIONREAD => match self.phase.get() {
                Phase::Connecting(socket) | Phase::Connected(socket) => put(argument, self.unread(socket)),
                _ => put(argument, self.ahead.borrow().len()),
            },
            _ => Err(Errno::ENOTTY),
        }
    }

    fn socket(&self) -> Option<&dyn Socket> {
        Some(self)
    }
}

impl<N: NetStack> Socket for Tcp<N> {
    fn bind(&self, address: &Address) -> Result<(), Errno> {
        let local = self.version.given(address)?;
        let Phase::Idle = self.phase.get() else { return Err(Errno::EINVAL) };
        let socket = self.bind_to(local)?;
        self.bound.set(self.stack.local(socket).ok());
        Ok(())
    }

    fn listen(&self, backlog: usize) -> Result<(), Errno> {
        let socket = match self.phase.get() {
            Phase::Listening(_) => return Ok(()),
            Phase::Bound(socket) => socket,
            Phase::Idle => self.bind_to(self.version.unspecified())?,
            _ => return Err(Errno::EINVAL),
        };
        // Linux lets one more wait than it is told.
        self.stack.tcp_listen_at(socket, backlog.saturating_add(1)).map_err(open_error)?;
        self.enter(Phase::Listening(socket), socket);
        Ok(())
    }

    fn accept(&self) -> Result<(Rc<dyn OpenFile>, Address), Errno> {
        let Phase::Listening(listener) = self.phase.get() else { return Err(Errno::EINVAL) };
        let (socket, peer) = self.stack.tcp_accept(listener).map_err(socket_error)?;
        Ok((Rc::new(self.accepted(socket, peer)), self.version.shown(peer)))
    }

    fn connect(&self, address: &Address) -> Result<(), Errno> {
        self.follow();
        if *address == Address::Unspecified {
            self.abort();
            return Ok(());
        }
        match self.phase.get() {
            Phase::Idle | Phase::Bound(_) => self.begin(self.version.destination(address)?),
            Phase::Connecting(_) => Err(Errno::EALREADY),
            _ if self.outcome.get() == Outcome::Void => Err(Errno::EINVAL),
            _ if self.is_over() && self.outcome.get() == Outcome::Due => {
                let outcome = self.failure(Err(Errno::ECONNABORTED));
                self.disconnect();
                outcome
            }
            Phase::Connected(_) if self.outcome.replace(Outcome::Told) == Outcome::Due => Ok(()),
            Phase::Listening(_) | Phase::Connected(_) | Phase::Failed(_) => Err(Errno::EISCONN),
        }
    }

    fn send(&self, bytes: &[u8], _: Option<&Address>) -> Result<usize, Errno> {
        self.send_bytes(bytes)
    }

    fn receive(&self, buffer: &mut [u8], peek: bool) -> Result<Received, Errno> {
        let length = self.receive_bytes(buffer, peek)?;
        Ok(Received { length, whole: length, from: None })
    }

    fn has_messages(&self) -> bool {
        false
    }

    fn patience(&self, half: Half) -> Option<Duration> {
        self.options.patience(half)
    }

    fn shutdown(&self, half: Half) -> Result<(), Errno> {
        self.follow();
        match self.phase.get() {
            Phase::Listening(_) if half == Half::Write => return Ok(()),
            // Linux then has the socket as it was before.
            Phase::Listening(_) => {
                self.disconnect();
                self.watchers.notify(Readiness::HUP);
                return Ok(());
            }
            Phase::Connecting(_) => {
                self.disconnect();
                self.error.set(Some(Errno::ECONNRESET));
                self.watchers.notify(Readiness::HUP | Readiness::ERR);
                return Ok(());
            }
            _ => {}
        }
        let is_open = matches!(self.phase.get(), Phase::Connected(_)) && !self.is_over();
        if self.outcome.get() == Outcome::Due {
            self.outcome.set(if is_open { Outcome::Told } else { Outcome::Void });
        }
        self.shut_halves(half);
        self.watchers.notify(self.readiness());
        // Linux ends the halves of what is not connected, too, and says that it is not.
        if is_open { Ok(()) } else { Err(Errno::ENOTCONN) }
    }

    fn local(&self) -> Result<Address, Errno> {
        let local = match self.phase.get() {
            Phase::Idle => self.version.unspecified(),
            Phase::Bound(socket)
            | Phase::Listening(socket)
            | Phase::Connecting(socket)
            | Phase::Connected(socket)
            | Phase::Failed(socket) => {
                self.stack.local(socket).unwrap_or_else(|_| self.version.unspecified())
            }
        };
        Ok(self.version.shown(local))
    }

    fn peer(&self) -> Result<Address, Errno> {
        self.follow();
        match (self.phase.get(), self.peer.get()) {
            (Phase::Connected(_), Some(peer)) if !self.is_over() => Ok(self.version.shown(peer)),
            _ => Err(Errno::ENOTCONN),
        }
    }

    fn option(&self, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        if (level, name) == (SOL_TCP, TCP_INFO) {
            return Ok(self.information());
        }
        if level != SOL_SOCKET {
            return self.options.get(level, name);
        }
        match name {
            SO_TYPE => Ok(number(SOCK_STREAM as i32)),
            SO_DOMAIN => Ok(number(self.version.family() as i32)),
            SO_PROTOCOL => Ok(number(IPPROTO_TCP as i32)),
            SO_ACCEPTCONN => Ok(number(i32::from(matches!(self.phase.get(), Phase::Listening(_))))),
            SO_ERROR => {
                self.follow();
                Ok(number(self.error.take().map_or(0, |errno| -errno.returned() as i32)))
            }
            _ => self.options.get(level, name),
        }
    }

    fn set_option(&self, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        self.check_settable(level, name)?;
        self.options.set(level, name, value)?;
        let holds = self.options.holds();
        match (level, name) {
            (SOL_TCP, TCP_CORK) => self.hold(holds),
            // What waits by now goes (tcp(7)).
            (SOL_TCP, TCP_NODELAY) if holds => {
                self.hold(false);
                self.hold(true);
            }
            _ => {}
        }
        Ok(())
    }
}

impl<N: NetStack> Drop for Tcp<N> {
    fn drop(&mut self) {
        self.leave();
    }
}
