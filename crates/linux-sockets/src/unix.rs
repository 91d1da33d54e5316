//! Sockets of Unix (unix(7)), within the image.

mod end;
mod names;
mod passed;

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::time::Duration;

use iface_sockets::Type;
use linux_raw_sys::ioctl::FIONREAD;
use linux_raw_sys::net::{
    AF_UNIX, SO_ACCEPTCONN, SO_DOMAIN, SO_ERROR, SO_PEERCRED, SO_PROTOCOL, SO_TYPE, SOCK_DGRAM,
    SOCK_SEQPACKET, SOCK_STREAM, SOL_SOCKET,
};
use open_file::{Address, Beside, Errno, Half, OpenFile, Readiness, Received, Socket, Status, Watchers};

use crate::facts::{Inodes, status};
use crate::inet::put;
use crate::options::{Kinds, Options, number};
use end::{End, Phase};
pub use names::Names;
use passed::Passed;

/// The one process of the image, and its user and group (`struct ucred`).
const CREDENTIALS: [i32; 3] = [1, 0, 0];

/// A socket of Unix.
pub struct Unix {
    end: Rc<End>,
    names: Rc<Names>,
    options: Options,
    inodes: Rc<Inodes>,
    inode: u64,
}

impl Unix {
    /// One that is nowhere.
    pub fn new(kind: Type, names: &Rc<Names>, inodes: &Rc<Inodes>) -> Self {
        Self::with_end(Rc::new(End::new(kind)), names, inodes)
    }

    /// Two that are connected with each other.
    pub fn pair(kind: Type, names: &Rc<Names>, inodes: &Rc<Inodes>) -> [Self; 2] {
        let (one, other) = (Rc::new(End::new(kind)), Rc::new(End::new(kind)));
        End::join(&one, &other);
        [one, other].map(|end| Self::with_end(end, names, inodes))
    }

    fn with_end(end: Rc<End>, names: &Rc<Names>, inodes: &Rc<Inodes>) -> Self {
        Self {
            end,
            names: Rc::clone(names),
            options: Options::new(Kinds::UNIX),
            inodes: Rc::clone(inodes),
            inode: inodes.next(),
        }
    }

    fn is_stream(&self) -> bool {
        self.end.kind == Type::Stream
    }

    /// The socket that a name stands for.
    fn found(&self, address: &Address) -> Result<Rc<End>, Errno> {
        let end = self.names.find(address)?;
        match address {
            _ if end.kind == self.end.kind => Ok(end),
            Address::File(_) => Err(Errno::EPROTOTYPE),
            _ => Err(Errno::ECONNREFUSED),
        }
    }

    /// Connects with one that listens.
    fn connect_stream(&self, address: &Address) -> Result<(), Errno> {
        let listener = self.found(address)?;
        match self.end.phase() {
            _ if listener.phase() != Phase::Listening => return Err(Errno::ECONNREFUSED),
            Phase::Connected => return Err(Errno::EISCONN),
            Phase::Listening => return Err(Errno::EINVAL),
            Phase::Idle => {}
        }
        if listener.is_backlog_full() {
            listener.wait_for_place(&self.end);
            return Err(Errno::EAGAIN);
        }
        listener.arrive(&self.end);
        Ok(())
    }

    fn send_datagram(&self, bytes: &[u8], to: Option<&Address>, beside: &Beside) -> Result<usize, Errno> {
        if self.end.is_write_shut() {
            return Err(Errno::EPIPE);
        }
        let other = match to {
            Some(to) => self.found(to)?,
            None => self.end.peer().ok_or(Errno::ENOTCONN)?,
        };
        if other.is_closed() {
            self.end.part();
            return Err(Errno::ECONNREFUSED);
        }
        // One that is connected with somebody hears nobody else.
        if other.peer().is_some_and(|heard| !Rc::ptr_eq(&heard, &self.end)) {
            return Err(Errno::EPERM);
        }
        other.put(bytes, &self.end, self.pass(beside, &other)?)
    }

    fn send_connected(&self, bytes: &[u8], to: Option<&Address>, beside: &Beside) -> Result<usize, Errno> {
        let is_connected = self.end.phase() == Phase::Connected;
        match to {
            Some(_) if self.is_stream() && is_connected => return Err(Errno::EISCONN),
            Some(_) if self.is_stream() => return Err(Errno::EOPNOTSUPP),
            _ => {}
        }
        if !self.is_stream()
            && let Some(errno) = self.end.take_error()
        {
            return Err(errno);
        }
        let other = self.end.peer().filter(|_| is_connected).ok_or(Errno::ENOTCONN)?;
        if self.end.is_write_shut() {
            return Err(Errno::EPIPE);
        }
        other.put(bytes, &self.end, self.pass(beside, &other)?)
    }
}

impl Unix {
    fn pass(&self, beside: &Beside, to: &End) -> Result<Passed, Errno> {
        if beside.is_empty() { Ok(Passed::default()) } else { Passed::new(beside, to, self.names.flying()) }
    }
}

impl OpenFile for Unix {
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        if buffer.is_empty() && self.is_stream() {
            return Ok(0);
        }
        match self.receive(buffer, false) {
            // Whoever waits in another thread is to go on.
            Err(Errno::EAGAIN) if self.end.is_read_shut() => Ok(0),
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
        self.end.readiness()
    }

    fn watchers(&self) -> Option<&Watchers> {
        Some(&self.end.watchers)
    }

    fn control(&self, request: u32, argument: &mut [u8]) -> Result<usize, Errno> {
        match request {
            FIONREAD if self.end.phase() == Phase::Listening => Err(Errno::EINVAL),
            FIONREAD => put(argument, self.end.unread()),
            _ => Err(Errno::ENOTTY),
        }
    }

    fn socket(&self) -> Option<&dyn Socket> {
        Some(self)
    }
}

impl Socket for Unix {
    fn bind(&self, address: &Address) -> Result<(), Errno> {
        if !self.end.name().is_empty() {
            // Asking for any name is fine where there is one.
            let any = matches!(address, Address::Unix(name) if name.is_empty());
            return if any { Ok(()) } else { Err(Errno::EINVAL) };
        }
        self.names.give(address, &self.end)
    }

    fn listen(&self, backlog: usize) -> Result<(), Errno> {
        match (self.end.kind, self.end.phase()) {
            (Type::Datagram, _) => Err(Errno::EOPNOTSUPP),
            (_, Phase::Connected) => Err(Errno::EINVAL),
            _ if self.end.name().is_empty() => Err(Errno::EINVAL),
            _ => {
                self.end.listen(backlog);
                Ok(())
            }
        }
    }

    fn accept(&self) -> Result<(Rc<dyn OpenFile>, Address), Errno> {
        match (self.end.kind, self.end.phase()) {
            (Type::Datagram, _) => Err(Errno::EOPNOTSUPP),
            (_, Phase::Listening) if self.end.is_read_shut() => Err(Errno::EINVAL),
            (_, Phase::Listening) => {
                let end = self.end.accept().ok_or(Errno::EAGAIN)?;
                let peer = end.peer().map(|peer| peer.name()).unwrap_or_default();
                Ok((Rc::new(Self::with_end(end, &self.names, &self.inodes)), Address::Unix(peer)))
            }
            _ => Err(Errno::EINVAL),
        }
    }

    fn connect(&self, address: &Address) -> Result<(), Errno> {
        if self.end.kind != Type::Datagram {
            return self.connect_stream(address);
        }
        if *address == Address::Unspecified {
            self.end.part();
            return Ok(());
        }
        let other = self.found(address)?;
        if other.peer().is_some_and(|heard| !Rc::ptr_eq(&heard, &self.end)) {
            return Err(Errno::EPERM);
        }
        self.end.hear(&other);
        Ok(())
    }

    fn send(&self, bytes: &[u8], to: Option<&Address>) -> Result<usize, Errno> {
        self.send_with(bytes, to, &Beside::default())
    }

    fn receive(&self, buffer: &mut [u8], peek: bool) -> Result<Received, Errno> {
        self.receive_with(buffer, peek).map(|(received, _)| received)
    }

    fn send_with(&self, bytes: &[u8], to: Option<&Address>, beside: &Beside) -> Result<usize, Errno> {
        match self.end.kind {
            Type::Datagram => self.send_datagram(bytes, to, beside),
            _ => self.send_connected(bytes, to, beside),
        }
    }

    fn receive_with(&self, buffer: &mut [u8], peek: bool) -> Result<(Received, Beside), Errno> {
        match (self.end.kind, self.end.phase()) {
            (Type::Datagram, _) | (_, Phase::Connected) => self.end.take(buffer, peek),
            (Type::Stream, _) => Err(Errno::EINVAL),
            (Type::SequencedPacket, _) => Err(Errno::ENOTCONN),
        }
    }

    fn has_messages(&self) -> bool {
        !self.is_stream()
    }

    fn patience(&self, half: Half) -> Option<Duration> {
        self.options.patience(half)
    }

    fn shutdown(&self, half: Half) -> Result<(), Errno> {
        self.end.shut(half);
        Ok(())
    }

    fn local(&self) -> Result<Address, Errno> {
        Ok(Address::Unix(self.end.name()))
    }

    fn peer(&self) -> Result<Address, Errno> {
        self.end.peer().map(|peer| Address::Unix(peer.name())).ok_or(Errno::ENOTCONN)
    }

    fn option(&self, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        if level != SOL_SOCKET {
            return self.options.get(level, name);
        }
        match name {
            SO_TYPE => Ok(number(match self.end.kind {
                Type::Stream => SOCK_STREAM,
                Type::Datagram => SOCK_DGRAM,
                Type::SequencedPacket => SOCK_SEQPACKET,
            } as i32)),
            SO_DOMAIN => Ok(number(AF_UNIX as i32)),
            SO_PROTOCOL => Ok(number(0)),
            SO_ACCEPTCONN => Ok(number(i32::from(self.end.phase() == Phase::Listening))),
            SO_ERROR => Ok(number(self.end.take_error().map_or(0, |errno| -errno.returned() as i32))),
            SO_PEERCRED => Ok(CREDENTIALS.iter().flat_map(|id| id.to_ne_bytes()).collect()),
            _ => self.options.get(level, name),
        }
    }

    fn set_option(&self, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        self.options.set(level, name, value)
    }
}

impl Drop for Unix {
    fn drop(&mut self) {
        self.names.forget(&self.end);
        self.end.close(false);
    }
}
