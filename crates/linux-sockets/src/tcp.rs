//! Stream sockets of the Internet: what tcp(7), and the sources of Linux where that is silent, say of each state.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::net::SocketAddr;
use core::time::Duration;

use iface_net_stack::{NetStack, Progress, Socket as StackSocket, SocketError};
use linux_raw_sys::ioctl::{FIONREAD, TIOCOUTQ};
use linux_raw_sys::net::{
    IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY, SO_ACCEPTCONN, SO_DOMAIN, SO_ERROR, SO_PROTOCOL, SO_TYPE,
    SOCK_STREAM, SOL_SOCKET,
};
use open_file::{Address, Errno, Half, OpenFile, Readiness, Received, Socket, Status, Watchers};

use crate::facts::{Inodes, status};
use crate::inet::{Version, open_error, put, socket_error, told};
use crate::options::{Kinds, Options, number};

/// How far a socket is, with what the stack has for it.
#[derive(Clone, Copy)]
enum Phase {
    Idle,
    Bound(StackSocket),
    Listening(StackSocket),
    Connecting(StackSocket),
    /// Established, or ended since in an orderly way.
    Connected(StackSocket),
    /// Was connected or connecting, and failed.
    Failed(StackSocket),
}

/// A stream socket.
pub struct Tcp<N: NetStack> {
    stack: N,
    version: Version,
    phase: Cell<Phase>,
    /// The peer, once there is one.
    peer: Cell<Option<SocketAddr>>,
    /// A call of connect(2) is due that tells how connecting went.
    is_outcome_due: Cell<bool>,
    /// Why it failed, until that is told once.
    error: Cell<Option<Errno>>,
    /// The peer's end was seen.
    has_ended: Cell<bool>,
    /// Halves that were shut down here.
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
            peer: Cell::new(None),
            is_outcome_due: Cell::new(false),
            error: Cell::new(None),
            has_ended: Cell::new(false),
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
        new.enter(Phase::Connected(socket), socket);
        new
    }

    /// Goes on to `phase`, from where whoever waits is told of `socket`.
    fn enter(&self, phase: Phase, socket: StackSocket) {
        self.phase.set(phase);
        // It is open, so it can be told of.
        let _ = self.stack.notify(socket, Some(told(&self.watchers)));
    }

    /// Gives up what the stack has.
    fn leave(&self) {
        match self.phase.replace(Phase::Idle) {
            Phase::Idle => {}
            Phase::Connected(socket) if self.options.resets() => self.stack.abort(socket),
            Phase::Connecting(socket) | Phase::Failed(socket) => self.stack.abort(socket),
            Phase::Bound(socket) | Phase::Listening(socket) | Phase::Connected(socket) => {
                self.stack.close(socket);
            }
        }
    }

    /// Follows what became of a connection; `None` where there is none.
    fn follow(&self) -> Option<Progress> {
        let (Phase::Connecting(socket) | Phase::Connected(socket)) = self.phase.get() else { return None };
        let progress = self.stack.progress(socket).ok()?;
        if let Some(failure) = progress.failure {
            let had_ended = self.has_ended.get();
            self.error.set(Some(match failure {
                // Whoever knows the end can only write (Linux, tcp_reset()).
                SocketError::Reset if had_ended => Errno::EPIPE,
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

    /// Whether both halves ended: what Linux then keeps of a connection has no peer.
    fn is_over(&self) -> bool {
        self.shut_writing.get() && self.has_ended.get()
    }

    /// Why it failed, told this once; else `otherwise`.
    fn failure<T>(&self, otherwise: Result<T, Errno>) -> Result<T, Errno> {
        self.error.take().map_or(otherwise, Err)
    }

    /// Takes bytes from the stack.
    fn take(&self, socket: StackSocket, buffer: &mut [u8]) -> Result<usize, Errno> {
        match self.stack.recv(socket, buffer) {
            Ok(length) => Ok(length),
            Err(SocketError::WouldBlock) if self.shut_reading.get() => Ok(0),
            Err(SocketError::WouldBlock) => Err(Errno::EAGAIN),
            Err(_) => {
                self.follow();
                self.failure(Ok(0))
            }
        }
    }

    /// Has `ahead` hold `wanted` bytes, or all that there are.
    fn look_ahead(&self, socket: StackSocket, wanted: usize) {
        let mut ahead = self.ahead.borrow_mut();
        let unread = self.stack.progress(socket).map_or(0, |progress| progress.unread);
        let missing = wanted.saturating_sub(ahead.len()).min(unread);
        let held = ahead.len();
        if missing > 0 && ahead.try_reserve(missing).is_ok() {
            ahead.resize(held + missing, 0);
            let got = self.stack.recv(socket, &mut ahead[held..]).unwrap_or(0);
            ahead.truncate(held + got);
        }
    }

    fn receive_bytes(&self, buffer: &mut [u8], peek: bool) -> Result<usize, Errno> {
        if let Phase::Connecting(_) = self.phase.get() {
            self.follow();
        }
        let socket = match self.phase.get() {
            Phase::Idle | Phase::Bound(_) | Phase::Listening(_) => return Err(Errno::ENOTCONN),
            Phase::Connecting(_) => return Err(Errno::EAGAIN),
            Phase::Connected(socket) | Phase::Failed(socket) => socket,
        };
        if buffer.is_empty() {
            return if self.readiness().has_any(Readiness::IN) { Ok(0) } else { Err(Errno::EAGAIN) };
        }
        if peek {
            self.look_ahead(socket, buffer.len());
        }
        let mut ahead = self.ahead.borrow_mut();
        if !ahead.is_empty() {
            let length = buffer.len().min(ahead.len());
            buffer[..length].copy_from_slice(&ahead[..length]);
            if !peek {
                ahead.drain(..length);
            }
            return Ok(length);
        }
        drop(ahead);
        match self.phase.get() {
            // What came before is read first.
            Phase::Failed(socket) => match self.stack.recv(socket, buffer) {
                Ok(length @ 1..) => Ok(length),
                _ => self.failure(Ok(0)),
            },
            _ => self.take(socket, buffer),
        }
    }

    fn send_bytes(&self, bytes: &[u8]) -> Result<usize, Errno> {
        if let Phase::Connecting(_) = self.phase.get() {
            self.follow();
        }
        match self.phase.get() {
            Phase::Idle | Phase::Bound(_) | Phase::Listening(_) => Err(Errno::EPIPE),
            Phase::Connecting(_) => Err(Errno::EAGAIN),
            Phase::Failed(_) => self.failure(Err(Errno::EPIPE)),
            Phase::Connected(_) if self.shut_writing.get() => Err(Errno::EPIPE),
            Phase::Connected(_) if bytes.is_empty() => Ok(0),
            Phase::Connected(socket) => match self.stack.send(socket, bytes) {
                Ok(length) => Ok(length),
                Err(SocketError::WouldBlock) => Err(Errno::EAGAIN),
                Err(_) => {
                    self.follow();
                    self.failure(Err(Errno::EPIPE))
                }
            },
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
        self.is_outcome_due.set(true);
        self.has_ended.set(false);
        self.enter(Phase::Connecting(socket), socket);
        Err(Errno::EINPROGRESS)
    }

    fn readiness_connected(&self, progress: &Progress) -> Readiness {
        let no_reading = self.shut_reading.get() || progress.has_ended;
        let no_writing = self.shut_writing.get();
        let mut ready = Readiness::NONE;
        if no_reading || progress.unread > 0 || !self.ahead.borrow().is_empty() {
            ready |= Readiness::IN;
        }
        if no_reading {
            ready |= Readiness::RDHUP;
        }
        if no_reading && no_writing {
            ready |= Readiness::HUP;
        }
        if no_writing || progress.has_room {
            ready |= Readiness::OUT;
        }
        ready
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
            Phase::Idle | Phase::Bound(_) => Readiness::OUT | Readiness::HUP,
            Phase::Listening(socket) if self.stack.readiness(socket).readable => Readiness::IN,
            Phase::Listening(_) | Phase::Connecting(_) => Readiness::NONE,
            Phase::Connected(_) => {
                progress.map_or(Readiness::NONE, |progress| self.readiness_connected(&progress))
            }
            Phase::Failed(_) => {
                let ended = Readiness::IN | Readiness::OUT | Readiness::HUP | Readiness::RDHUP;
                let error = self.error.take();
                self.error.set(error);
                if error.is_some() { ended | Readiness::ERR } else { ended }
            }
        }
    }

    fn watchers(&self) -> Option<&Watchers> {
        Some(&self.watchers)
    }

    fn control(&self, request: u32, argument: &mut [u8]) -> Result<usize, Errno> {
        let is_listening = matches!(self.phase.get(), Phase::Listening(_));
        match request {
            FIONREAD | TIOCOUTQ if is_listening => Err(Errno::EINVAL),
            FIONREAD => {
                let unread = self.follow().map_or(0, |progress| progress.unread);
                put(argument, unread + self.ahead.borrow().len())
            }
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
        self.bind_to(local).map(|_| ())
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
        match self.phase.get() {
            Phase::Idle | Phase::Bound(_) => self.begin(self.version.destination(address)?),
            Phase::Connecting(_) => Err(Errno::EALREADY),
            Phase::Connected(_) if self.is_outcome_due.take() => Ok(()),
            Phase::Failed(_) if self.is_outcome_due.take() => {
                self.leave();
                self.failure(Err(Errno::ECONNABORTED))
            }
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
        let socket = match self.phase.get() {
            Phase::Idle | Phase::Bound(_) | Phase::Failed(_) => return Err(Errno::ENOTCONN),
            Phase::Listening(_) if half == Half::Write => return Ok(()),
            // Linux then has the socket as it was before.
            Phase::Listening(_) | Phase::Connecting(_) => {
                self.leave();
                self.watchers.notify(Readiness::HUP);
                return Ok(());
            }
            Phase::Connected(_) if self.is_over() => return Err(Errno::ENOTCONN),
            Phase::Connected(socket) => socket,
        };
        if half != Half::Write {
            self.shut_reading.set(true);
        }
        if half != Half::Read && !self.shut_writing.replace(true) {
            // A connection that failed meanwhile is ended anyway.
            let _ = self.stack.shutdown(socket);
        }
        self.watchers.notify(self.readiness());
        Ok(())
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
        self.options.set(level, name, value)
    }
}

impl<N: NetStack> Drop for Tcp<N> {
    fn drop(&mut self) {
        self.leave();
    }
}
