//! Datagram sockets of the Internet (udp(7)).

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::net::SocketAddr;
use core::time::Duration;

use iface_net_stack::{NetStack, Socket as StackSocket, SocketError};
use linux_raw_sys::ioctl::FIONREAD;
use linux_raw_sys::net::{
    IPPROTO_IPV6, IPPROTO_UDP, IPV6_V6ONLY, SO_ACCEPTCONN, SO_DOMAIN, SO_ERROR, SO_PROTOCOL, SO_TYPE,
    SOCK_DGRAM, SOL_SOCKET,
};
use open_file::{Address, Errno, Half, OpenFile, Readiness, Received, Socket, Status, Watchers};

use crate::facts::{Inodes, status};
use crate::inet::{Version, open_error, put, socket_error, source, told};
use crate::options::{Kinds, Options, number};

/// The longest datagram, in bytes.
const LONGEST: usize = 65_535;
/// The longest that can be sent over IPv4, whose headers take 28 bytes.
const LONGEST_SENT: usize = LONGEST - 28;

/// Where datagrams are put whose length is not known before; one for all sockets.
pub type Scratch = Rc<RefCell<Vec<u8>>>;

/// A datagram that was taken from the stack.
struct Datagram {
    bytes: Vec<u8>,
    from: SocketAddr,
}

/// A datagram socket.
pub struct Udp<N: NetStack> {
    stack: N,
    version: Version,
    socket: Cell<Option<StackSocket>>,
    /// A program bound it.
    is_bound: Cell<bool>,
    /// Whom it is connected with.
    peer: Cell<Option<SocketAddr>>,
    /// What became of a datagram to that peer, until it is told once.
    error: Cell<Option<Errno>>,
    /// A datagram taken from the stack for a look at it.
    ahead: RefCell<Option<Datagram>>,
    /// Memory of the last one, for the next: none is allocated for each.
    spare: RefCell<Vec<u8>>,
    scratch: Scratch,
    shut_reading: Cell<bool>,
    shut_writing: Cell<bool>,
    options: Options,
    watchers: Rc<Watchers>,
    inode: u64,
}

impl<N: NetStack> Udp<N> {
    /// One that is nowhere.
    pub fn new(stack: N, version: Version, inodes: &Inodes, scratch: &Scratch) -> Self {
        let kinds = match version {
            Version::Four => Kinds::UDP,
            Version::Six => Kinds::UDP6,
        };
        Self {
            stack,
            version,
            socket: Cell::new(None),
            is_bound: Cell::new(false),
            peer: Cell::new(None),
            error: Cell::new(None),
            ahead: RefCell::default(),
            spare: RefCell::default(),
            scratch: Rc::clone(scratch),
            shut_reading: Cell::new(false),
            shut_writing: Cell::new(false),
            options: Options::new(kinds),
            watchers: Rc::default(),
            inode: inodes.next(),
        }
    }

    /// What the stack has for it, at `local` where there was nothing yet.
    fn bound(&self, local: SocketAddr) -> Result<StackSocket, Errno> {
        if let Some(socket) = self.socket.get() {
            return Ok(socket);
        }
        let socket = self.stack.udp_bind(self.options.binding(local)).map_err(open_error)?;
        self.socket.set(Some(socket));
        // It is open, so it can be told of.
        let _ = self.stack.notify(socket, Some(told(&self.watchers)));
        Ok(socket)
    }

    /// Hears everybody again, and has no address any more where a program gave it none.
    fn disconnect(&self) {
        self.peer.set(None);
        if let Some(socket) = self.socket.get() {
            // It is open, so it can be told.
            let _ = self.stack.udp_connect(socket, None);
        }
        if !self.is_bound.get()
            && let Some(socket) = self.socket.take()
        {
            self.stack.close(socket);
        }
    }

    /// Takes datagrams from the stack up to one that is for this socket.
    fn look_ahead(&self) {
        let Some(socket) = self.socket.get() else { return };
        let mut scratch = self.scratch.borrow_mut();
        if scratch.is_empty() {
            *scratch = vec![0; LONGEST];
        }
        while self.ahead.borrow().is_none() {
            match self.stack.recv_from(socket, &mut scratch) {
                // One that is connected hears its peer alone.
                Ok((length, from)) if self.peer.get().is_none_or(|peer| peer == from) => {
                    let mut bytes = self.spare.take();
                    bytes.extend_from_slice(&scratch[..length]);
                    *self.ahead.borrow_mut() = Some(Datagram { bytes, from });
                }
                Ok(_) => {}
                Err(SocketError::Refused) => self.error.set(Some(Errno::ECONNREFUSED)),
                Err(_) => return,
            }
        }
    }

    fn received(&self, datagram: &Datagram, buffer: &mut [u8]) -> Received {
        let length = datagram.bytes.len().min(buffer.len());
        buffer[..length].copy_from_slice(&datagram.bytes[..length]);
        Received { length, whole: datagram.bytes.len(), from: Some(self.version.shown(datagram.from)) }
    }

    /// Straight into a buffer that holds any datagram.
    fn receive_whole(&self, buffer: &mut [u8]) -> Result<Received, Errno> {
        let socket = self.socket.get().ok_or(Errno::EAGAIN)?;
        let (length, from) = self.stack.recv_from(socket, buffer).map_err(socket_error)?;
        Ok(Received { length, whole: length, from: Some(self.version.shown(from)) })
    }

    /// Hears of what became of datagrams to the peer.
    fn look_ahead_if_connected(&self) {
        if self.peer.get().is_some() {
            self.look_ahead();
        }
    }

    /// What became of an earlier datagram, told this once.
    fn failure(&self) -> Result<(), Errno> {
        self.error.take().map_or(Ok(()), Err)
    }

    fn has_datagram(&self) -> bool {
        if self.ahead.borrow().is_some() {
            return true;
        }
        match (self.socket.get(), self.peer.get()) {
            (None, _) => false,
            (Some(socket), None) => self.stack.readiness(socket).readable,
            (Some(_), Some(_)) => {
                self.look_ahead();
                self.ahead.borrow().is_some()
            }
        }
    }

    /// Where a datagram to `remote` goes out, as long as the socket is bound to no address.
    fn local_address(&self) -> SocketAddr {
        let local = self.socket.get().and_then(|socket| self.stack.local(socket).ok());
        let local = local.unwrap_or_else(|| self.version.unspecified());
        let source = |peer: SocketAddr| source(self.stack, peer.ip());
        match self.peer.get().and_then(source) {
            Some(ip) if local.ip().is_unspecified() => SocketAddr::new(ip, local.port()),
            _ => local,
        }
    }

    fn destination(&self, to: Option<&Address>) -> Result<SocketAddr, Errno> {
        let Some(to) = to else { return self.peer.get().ok_or(Errno::EDESTADDRREQ) };
        // A socket of IPv6 may speak to IPv4 by its own addresses, too.
        let version = match to {
            Address::Inet(SocketAddr::V4(_)) if self.version == Version::Six => Version::Four,
            _ => self.version,
        };
        let remote = version.destination(to)?;
        if remote.port() == 0 { Err(Errno::EINVAL) } else { Ok(remote) }
    }
}

impl<N: NetStack> OpenFile for Udp<N> {
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        match self.receive(buffer, false) {
            // Whoever waits in another thread is to go on.
            Err(Errno::EAGAIN) if self.shut_reading.get() => Ok(0),
            received => received.map(|received| received.length),
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        self.send(bytes, None)
    }

    fn status(&self) -> Result<Status, Errno> {
        Ok(status(self.inode))
    }

    fn readiness(&self) -> Readiness {
        let (no_reading, no_writing) = (self.shut_reading.get(), self.shut_writing.get());
        let has_room = |socket: StackSocket| self.stack.readiness(socket).writable;
        let mut ready = Readiness::NONE;
        self.look_ahead_if_connected();
        if no_reading || self.has_datagram() {
            ready |= Readiness::IN;
        }
        if no_reading {
            ready |= Readiness::RDHUP;
        }
        if no_reading && no_writing {
            ready |= Readiness::HUP;
        }
        if self.socket.get().is_none_or(has_room) {
            ready |= Readiness::OUT;
        }
        let error = self.error.take();
        self.error.set(error);
        if error.is_some() { ready | Readiness::ERR } else { ready }
    }

    fn watchers(&self) -> Option<&Watchers> {
        Some(&self.watchers)
    }

    fn control(&self, request: u32, argument: &mut [u8]) -> Result<usize, Errno> {
        if request != FIONREAD {
            return Err(Errno::ENOTTY);
        }
        self.look_ahead();
        put(argument, self.ahead.borrow().as_ref().map_or(0, |datagram| datagram.bytes.len()))
    }

    fn socket(&self) -> Option<&dyn Socket> {
        Some(self)
    }
}

impl<N: NetStack> Socket for Udp<N> {
    fn bind(&self, address: &Address) -> Result<(), Errno> {
        let local = self.version.given(address)?;
        if self.socket.get().is_some() {
            return Err(Errno::EINVAL);
        }
        self.bound(local)?;
        self.is_bound.set(true);
        Ok(())
    }

    fn listen(&self, _: usize) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    fn accept(&self) -> Result<(Rc<dyn OpenFile>, Address), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    fn connect(&self, address: &Address) -> Result<(), Errno> {
        if *address == Address::Unspecified {
            self.disconnect();
            return Ok(());
        }
        let remote = self.version.destination(address)?;
        let socket = self.bound(self.version.unspecified())?;
        self.stack.udp_connect(socket, Some(remote)).map_err(open_error)?;
        self.peer.set(Some(remote));
        Ok(())
    }

    fn send(&self, bytes: &[u8], to: Option<&Address>) -> Result<usize, Errno> {
        // Linux gives it an address even where it goes no further.
        let socket = self.bound(self.version.unspecified())?;
        if bytes.len() > LONGEST {
            return Err(Errno::EMSGSIZE);
        }
        let remote = self.destination(to)?;
        self.look_ahead_if_connected();
        self.failure()?;
        if self.shut_writing.get() {
            return Err(Errno::EPIPE);
        }
        if bytes.len() > LONGEST_SENT {
            return Err(Errno::EMSGSIZE);
        }
        self.stack.send_to(socket, bytes, remote).map_err(socket_error)?;
        Ok(bytes.len())
    }

    fn receive(&self, buffer: &mut [u8], peek: bool) -> Result<Received, Errno> {
        let is_simple = !peek && self.peer.get().is_none() && self.ahead.borrow().is_none();
        if is_simple && buffer.len() >= LONGEST {
            return self.receive_whole(buffer);
        }
        self.look_ahead();
        self.failure()?;
        let mut ahead = self.ahead.borrow_mut();
        match ahead.as_ref().map(|datagram| self.received(datagram, buffer)) {
            Some(received) => {
                if !peek && let Some(Datagram { mut bytes, .. }) = ahead.take() {
                    bytes.clear();
                    self.spare.replace(bytes);
                }
                Ok(received)
            }
            None => Err(Errno::EAGAIN),
        }
    }

    fn has_messages(&self) -> bool {
        true
    }

    fn patience(&self, half: Half) -> Option<Duration> {
        self.options.patience(half)
    }

    fn shutdown(&self, half: Half) -> Result<(), Errno> {
        self.shut_reading.set(self.shut_reading.get() || half != Half::Write);
        self.shut_writing.set(self.shut_writing.get() || half != Half::Read);
        self.watchers.notify(self.readiness());
        // Linux ends the halves of what is not connected, too, and says that it is not.
        self.peer.get().map(|_| ()).ok_or(Errno::ENOTCONN)
    }

    fn local(&self) -> Result<Address, Errno> {
        Ok(self.version.shown(self.local_address()))
    }

    fn peer(&self) -> Result<Address, Errno> {
        self.peer.get().map(|peer| self.version.shown(peer)).ok_or(Errno::ENOTCONN)
    }

    fn option(&self, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        if level != SOL_SOCKET {
            return self.options.get(level, name);
        }
        match name {
            SO_TYPE => Ok(number(SOCK_DGRAM as i32)),
            SO_DOMAIN => Ok(number(self.version.family() as i32)),
            SO_PROTOCOL => Ok(number(IPPROTO_UDP as i32)),
            SO_ACCEPTCONN => Ok(number(0)),
            SO_ERROR => {
                self.look_ahead_if_connected();
                Ok(number(self.error.take().map_or(0, |errno| -errno.returned() as i32)))
            }
            _ => self.options.get(level, name),
        }
    }

    fn set_option(&self, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        let is_only = (level, name) == (IPPROTO_IPV6 as u32, IPV6_V6ONLY);
        if is_only && self.socket.get().is_some() {
            return Err(Errno::EINVAL);
        }
        self.options.set(level, name, value)
    }
}

impl<N: NetStack> Drop for Udp<N> {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.take() {
            self.stack.close(socket);
        }
    }
}
