//! Calls that work with a socket.

mod address;

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

use iface_sockets::{Family, Sockets, Type};
use linux_raw_sys::general::{O_CLOEXEC, O_NONBLOCK, O_RDWR, iovec};
use linux_raw_sys::net::{
    AF_INET, AF_INET6, AF_UNIX, MSG_CMSG_CLOEXEC, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_PEEK, MSG_TRUNC,
    MSG_WAITALL, SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, msghdr,
};
use open_file::{Address, Errno, Half, OpenFile, Received, Socket};

use crate::descriptors::{Descriptor, Entry};
use crate::linux::{Linux, World};
use crate::user::{LONGEST, User, plain};

/// Flags beside the type of a socket, which are those of files (socket(2)).
const SOCK_CLOEXEC: u32 = O_CLOEXEC;
const SOCK_NONBLOCK: u32 = O_NONBLOCK;
/// The longest value of an option, in bytes.
const LONGEST_OPTION: usize = 1024;
const SEND_FLAGS: u32 = MSG_DONTWAIT | MSG_NOSIGNAL;
const RECEIVE_FLAGS: u32 =
    MSG_CMSG_CLOEXEC | MSG_DONTWAIT | MSG_NOSIGNAL | MSG_PEEK | MSG_TRUNC | MSG_WAITALL;

plain!(msghdr);

/// A socket behind a descriptor.
struct Open {
    file: Rc<dyn OpenFile>,
    flags: u32,
}

impl Open {
    fn socket(&self) -> Result<&dyn Socket, Errno> {
        self.file.socket().ok_or(Errno::ENOTSOCK)
    }

    /// The flags of the descriptor for a call that has flags of its own.
    fn flags(&self, call: u32) -> u32 {
        if call & MSG_DONTWAIT != 0 { self.flags | O_NONBLOCK } else { self.flags }
    }
}

impl<W: World> Linux<W> {
    fn open_socket(&self, fd: Descriptor) -> Result<Open, Errno> {
        let (file, flags) = self.file_and_flags(fd)?;
        let open = Open { file, flags };
        open.socket()?;
        Ok(open)
    }

    pub fn socket(&self, family: u32, kind: u32, protocol: u32) -> Result<Descriptor, Errno> {
        let family = match family {
            AF_UNIX => Family::Unix,
            AF_INET => Family::Inet,
            AF_INET6 => Family::Inet6,
            _ => return Err(Errno::EAFNOSUPPORT),
        };
        let socket = self.sockets.socket(family, socket_type(kind)?, protocol)?;
        self.add_socket(socket, kind)
    }

    pub fn socket_pair(
        &self,
        family: u32,
        kind: u32,
        _protocol: u32,
        to: User<[i32; 2]>,
    ) -> Result<(), Errno> {
        if family != AF_UNIX {
            return Err(Errno::EOPNOTSUPP);
        }
        let [one, other] = self.sockets.pair(socket_type(kind)?)?;
        let one = self.add_socket(one, kind)?;
        let other = self.add_socket(other, kind).inspect_err(|_| self.forget(&[one]))?;
        self.store(to, [one.0, other.0]).inspect_err(|_| self.forget(&[one, other]))
    }

    /// Takes descriptors back that the program is not told of.
    pub fn forget(&self, descriptors: &[Descriptor]) {
        for fd in descriptors {
            // They were added just now.
            let _ = self.close(*fd);
        }
    }

    /// A descriptor for a new socket, with the flags that came with its type.
    fn add_socket(&self, socket: Rc<dyn OpenFile>, kind: u32) -> Result<Descriptor, Errno> {
        let nonblocking = if kind & SOCK_NONBLOCK != 0 { O_NONBLOCK } else { 0 };
        let entry = Entry::new(socket, O_RDWR | nonblocking, kind & SOCK_CLOEXEC != 0);
        self.descriptors.borrow_mut().add(entry)
    }

    pub fn bind(&self, fd: Descriptor, address: User<u8>, length: u32) -> Result<(), Errno> {
        self.open_socket(fd)?.socket()?.bind(&self.address(address, length)?)
    }

    pub fn listen(&self, fd: Descriptor, backlog: i32) -> Result<(), Errno> {
        // A backlog below 0 is taken as 0, and none as one.
        self.open_socket(fd)?.socket()?.listen(usize::try_from(backlog).unwrap_or(0).max(1))
    }

    pub fn accept(&self, fd: Descriptor, address: User<u8>, length: User<u32>) -> Result<Descriptor, Errno> {
        self.accept_with_flags(fd, address, length, 0)
    }

    pub fn accept_with_flags(
        &self,
        fd: Descriptor,
        address: User<u8>,
        length: User<u32>,
        flags: u32,
    ) -> Result<Descriptor, Errno> {
        if flags & !(SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
            return Err(Errno::EINVAL);
        }
        let open = self.open_socket(fd)?;
        let listener = open.socket()?;
        let (socket, peer) =
            self.unless_nonblocking(&*open.file, open.flags, Half::Read, || listener.accept())?;
        self.store_address(&peer, address, length)?;
        self.add_socket(socket, flags)
    }

    pub fn connect(&self, fd: Descriptor, address: User<u8>, length: u32) -> Result<(), Errno> {
        let open = self.open_socket(fd)?;
        let address = self.address(address, length)?;
        let socket = open.socket()?;
        match socket.connect(&address) {
            Err(Errno::EINPROGRESS) if open.flags & O_NONBLOCK == 0 => {
                let deadline = self.patience(&*open.file, Half::Write);
                self.block_on(&*open.file, deadline, || match socket.connect(&address) {
                    Err(Errno::EALREADY | Errno::EINPROGRESS) => Err(Errno::EAGAIN),
                    Err(Errno::EISCONN) => Ok(()),
                    result => result,
                })
            }
            result => result,
        }
    }

    pub fn send_to(
        &self,
        fd: Descriptor,
        bytes: User<u8>,
        length: usize,
        flags: u32,
        address: User<u8>,
        address_length: u32,
    ) -> Result<usize, Errno> {
        let bytes = self.bytes(bytes, length.min(LONGEST))?;
        let to = if address.is_null() { None } else { Some(self.address(address, address_length)?) };
        self.send_bytes(fd, bytes, flags, to.as_ref())
    }

    fn send_bytes(
        &self,
        fd: Descriptor,
        bytes: &[u8],
        flags: u32,
        to: Option<&Address>,
    ) -> Result<usize, Errno> {
        if flags & !SEND_FLAGS != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        let open = self.open_socket(fd)?;
        let socket = open.socket()?;
        let sent =
            self.unless_nonblocking(&*open.file, open.flags(flags), Half::Write, || socket.send(bytes, to));
        sent.map_err(|errno| if flags & MSG_NOSIGNAL != 0 { errno } else { self.told_of_broken(errno) })
    }

    pub fn receive_from(
        &self,
        fd: Descriptor,
        buffer: User<u8>,
        length: usize,
        flags: u32,
        address: User<u8>,
        address_length: User<u32>,
    ) -> Result<usize, Errno> {
        let buffer = self.bytes_mut(buffer, length.min(LONGEST))?;
        let received = self.receive_bytes(fd, buffer, flags)?;
        if let Some(from) = &received.from {
            self.store_address(from, address, address_length)?;
        }
        Ok(if flags & MSG_TRUNC != 0 { received.whole } else { received.length })
    }

    fn receive_bytes(&self, fd: Descriptor, buffer: &mut [u8], flags: u32) -> Result<Received, Errno> {
        if flags & !RECEIVE_FLAGS != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        let open = self.open_socket(fd)?;
        let socket = open.socket()?;
        let peek = flags & MSG_PEEK != 0;
        let receive = |buffer: &mut [u8]| {
            self.unless_nonblocking(&*open.file, open.flags(flags), Half::Read, || {
                socket.receive(buffer, peek)
            })
        };
        let mut received = receive(buffer)?;
        let whole = flags & MSG_WAITALL != 0 && !peek && received.from.is_none();
        while whole && received.length > 0 && received.length < buffer.len() {
            match receive(&mut buffer[received.length..]) {
                Ok(Received { length: 0, .. }) | Err(_) => break,
                Ok(more) => received.length += more.length,
            }
        }
        Ok(received)
    }

    pub fn send_message(&self, fd: Descriptor, message: User<msghdr>, flags: u32) -> Result<usize, Errno> {
        let message = self.load(message)?;
        if message.msg_controllen != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        let name: User<u8> = User::new(message.msg_name as usize);
        let to = if name.is_null() { None } else { Some(self.address(name, message.msg_namelen as u32)?) };
        let bytes = self.gathered(&message)?;
        self.send_bytes(fd, &bytes, flags, to.as_ref())
    }

    /// The pieces of a message in one.
    fn gathered(&self, message: &msghdr) -> Result<Vec<u8>, Errno> {
        let pieces = self.pieces(User::<iovec>::new(message.msg_iov as usize), message.msg_iovlen)?;
        let mut bytes = Vec::new();
        for (address, length) in pieces {
            let piece = self.bytes(address, length.min(LONGEST - bytes.len()))?;
            bytes.try_reserve(piece.len()).map_err(|_| Errno::ENOMEM)?;
            bytes.extend_from_slice(piece);
        }
        Ok(bytes)
    }

    pub fn receive_message(&self, fd: Descriptor, to: User<msghdr>, flags: u32) -> Result<usize, Errno> {
        let mut message = self.load(to)?;
        let pieces = self.pieces(User::<iovec>::new(message.msg_iov as usize), message.msg_iovlen)?;
        let room = pieces.iter().map(|(_, length)| *length).sum::<usize>().min(LONGEST);
        let mut buffer = Vec::new();
        buffer.try_reserve(room).map_err(|_| Errno::ENOMEM)?;
        buffer.resize(room, 0);
        let received = self.receive_bytes(fd, &mut buffer, flags)?;
        self.scatter(&buffer[..received.length], &pieces)?;
        message.msg_controllen = 0;
        message.msg_flags = if received.whole > received.length { MSG_TRUNC } else { 0 };
        match &received.from {
            Some(from) if !message.msg_name.is_null() => {
                let room = message.msg_namelen as u32;
                message.msg_namelen =
                    self.store_address_in(from, User::new(message.msg_name as usize), room)? as _;
            }
            _ => message.msg_namelen = 0,
        }
        self.store(to, message)?;
        Ok(if flags & MSG_TRUNC != 0 { received.whole } else { received.length })
    }

    /// Fills the pieces of a message from their beginning.
    pub fn scatter(&self, mut bytes: &[u8], pieces: &[(User<u8>, usize)]) -> Result<(), Errno> {
        for (address, length) in pieces {
            let (piece, rest) = bytes.split_at(bytes.len().min(*length));
            self.bytes_mut(*address, piece.len())?.copy_from_slice(piece);
            bytes = rest;
        }
        Ok(())
    }

    pub fn shut_down(&self, fd: Descriptor, half: u32) -> Result<(), Errno> {
        let half = match half {
            SHUT_RD => Half::Read,
            SHUT_WR => Half::Write,
            SHUT_RDWR => Half::Both,
            _ => return Err(Errno::EINVAL),
        };
        self.open_socket(fd)?.socket()?.shutdown(half)
    }

    pub fn own_address(&self, fd: Descriptor, address: User<u8>, length: User<u32>) -> Result<(), Errno> {
        let own = self.open_socket(fd)?.socket()?.local()?;
        self.store_address(&own, address, length)
    }

    pub fn peer_address(&self, fd: Descriptor, address: User<u8>, length: User<u32>) -> Result<(), Errno> {
        let peer = self.open_socket(fd)?.socket()?.peer()?;
        self.store_address(&peer, address, length)
    }

    pub fn socket_option(
        &self,
        fd: Descriptor,
        level: u32,
        name: u32,
        value: User<u8>,
        length: User<u32>,
    ) -> Result<(), Errno> {
        let room = self.load(length)? as usize;
        let option = self.open_socket(fd)?.socket()?.option(level, name)?;
        let taken = option.len().min(room);
        self.bytes_mut(value, taken)?.copy_from_slice(&option[..taken]);
        self.store(length, taken as u32)
    }

    pub fn set_socket_option(
        &self,
        fd: Descriptor,
        level: u32,
        name: u32,
        value: User<u8>,
        length: u32,
    ) -> Result<(), Errno> {
        let length = length as usize;
        if length > LONGEST_OPTION {
            return Err(Errno::EINVAL);
        }
        let mut copy = vec![0; length];
        copy.copy_from_slice(self.bytes(value, length)?);
        self.open_socket(fd)?.socket()?.set_option(level, name, &copy)
    }
}

fn socket_type(kind: u32) -> Result<Type, Errno> {
    match kind & !(SOCK_NONBLOCK | SOCK_CLOEXEC) {
        SOCK_STREAM => Ok(Type::Stream),
        SOCK_DGRAM => Ok(Type::Datagram),
        SOCK_SEQPACKET => Ok(Type::SequencedPacket),
        _ => Err(Errno::EPROTONOSUPPORT),
    }
}
