//! Calls that work with a socket.

mod address;
mod beside;
#[cfg(test)]
mod differential;
mod messages;

use alloc::rc::Rc;
use core::mem;

use iface_sockets::{Family, Sockets, Type};
use iface_vfs::{OpenOptions, Vfs};
use linux_raw_sys::general::{O_CLOEXEC, O_NONBLOCK, O_RDWR};
use linux_raw_sys::net::{
    AF_INET, AF_INET6, AF_UNIX, MSG_DONTWAIT, MSG_ERRQUEUE, MSG_NOSIGNAL, MSG_OOB, MSG_PEEK, MSG_TRUNC,
    MSG_WAITALL, SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM,
};
use open_file::{Address, Beside, Errno, Half, Kind, OpenFile, Readiness, Received, Socket, SocketFile};

use crate::descriptors::{Descriptor, Entry};
use crate::linux::{Linux, World};
use crate::paths::HERE;
use crate::transfer::zeros;
use crate::user::{LONGEST, User};

/// Flags beside the type of a socket, which are those of files (socket(2)).
const SOCK_CLOEXEC: u32 = O_CLOEXEC;
const SOCK_NONBLOCK: u32 = O_NONBLOCK;
/// The type of a socket without these (`SOCK_TYPE_MASK`), and the first that is none (`SOCK_MAX`).
const TYPES: u32 = 0xf;
const TYPE_LIMIT: u32 = 11;
/// A flag that linux-raw-sys lacks (Linux, `include/linux/socket.h`).
const MSG_FASTOPEN: u32 = 0x2000_0000;
/// The longest value of an option, in bytes; longer ones are cut.
const LONGEST_OPTION: usize = 1024;
/// The longest queue of connections (`net.core.somaxconn`).
const LONGEST_BACKLOG: u32 = 4096;
/// Bytes of a stream that are thrown away at a time.
const THROWN: usize = 64 * 1024;

/// A socket behind a descriptor.
struct Open {
    file: Rc<dyn OpenFile>,
    flags: u32,
    /// Memory of the program that the call works with.
    memory: (User<u8>, usize),
}

impl Open {
    fn new(file: Rc<dyn OpenFile>, flags: u32) -> Self {
        Self { file, flags, memory: (User::new(0), 0) }
    }

    fn socket(&self) -> Result<&dyn Socket, Errno> {
        self.file.socket().ok_or(Errno::ENOTSOCK)
    }

    /// The same for a call that has flags of its own.
    fn with(mut self, call: u32) -> Self {
        if call & MSG_DONTWAIT != 0 {
            self.flags |= O_NONBLOCK;
        }
        self
    }

    /// The same for a call that works with memory of the program.
    fn using(mut self, address: User<u8>, length: usize) -> Self {
        self.memory = (address, length);
        self
    }

    fn waits(&self) -> bool {
        self.flags & O_NONBLOCK == 0
    }
}

impl<W: World> Linux<W> {
    fn open_socket(&self, fd: Descriptor) -> Result<Open, Errno> {
        let (file, flags) = self.file_and_flags(fd)?;
        let open = Open::new(file, flags);
        open.socket()?;
        Ok(open)
    }

    /// `attempt` once for a descriptor that does not block, else until it is done or the socket's own time is over.
    fn on_socket<T>(
        &self,
        open: &Open,
        half: Half,
        mut attempt: impl FnMut() -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let mut is_again = false;
        self.unless_nonblocking(&*open.file, open.flags, half, || {
            // Another thread may have taken the memory away while this one waited.
            if mem::replace(&mut is_again, true) {
                self.is_still_there(open.memory, half)?;
            }
            attempt()
        })
    }

    fn is_still_there(&self, (address, length): (User<u8>, usize), half: Half) -> Result<(), Errno> {
        match half {
            Half::Read => self.bytes_mut(address, length).map(drop),
            _ => self.bytes(address, length).map(drop),
        }
    }

    pub fn socket(&self, family: u32, kind: u32, protocol: u32) -> Result<Descriptor, Errno> {
        let (family, socket_type) = family_and_type(family, kind)?;
        let socket = self.sockets.socket(family, socket_type, protocol)?;
        self.add_socket(socket, kind)
    }

    pub fn socket_pair(
        &self,
        family: u32,
        kind: u32,
        protocol: u32,
        to: User<[i32; 2]>,
    ) -> Result<(), Errno> {
        let (family, socket_type) = family_and_type(family, kind)?;
        // Whether there is such a socket at all is told first.
        drop(self.sockets.socket(family, socket_type, protocol)?);
        if family != Family::Unix {
            return Err(Errno::EOPNOTSUPP);
        }
        let [one, other] = self.sockets.pair(socket_type)?;
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
        let open = self.open_socket(fd)?;
        let (socket, address) = (open.socket()?, self.address(address, length)?);
        match path_of(socket, &address) {
            Some(path) => self.bind_to_path(socket, path),
            None => socket.bind(&address),
        }
    }

    /// Makes the file by which a socket of Unix is found.
    fn bind_to_path(&self, socket: &dyn Socket, path: &[u8]) -> Result<(), Errno> {
        let base = self.base(HERE, path)?;
        let permissions = 0o777 & !self.mask.get();
        let file = match self.vfs.make_socket(base, path, permissions) {
            Err(Errno::EEXIST) => return Err(Errno::EADDRINUSE),
            made => made?,
        };
        let bound = SocketFile::new(path.into(), file).and_then(|file| socket.bind(&Address::File(file)));
        bound.inspect_err(|_| {
            // Where it can't be removed either, it leads to no socket.
            let _ = self.vfs.remove(base, path, false);
        })
    }

    /// The address of a peer that a program passes, with the file that its path leads to where it has one.
    fn peer_at(&self, socket: &dyn Socket, address: User<u8>, length: u32) -> Result<Address, Errno> {
        let address = self.address(address, length)?;
        let Some(path) = path_of(socket, &address) else { return Ok(address) };
        let options = OpenOptions { hold: true, ..OpenOptions::default() };
        let file = self.vfs.open(self.base(HERE, path)?, path, options)?;
        if file.status()?.kind != Kind::Socket {
            return Err(Errno::ECONNREFUSED);
        }
        SocketFile::new(path.into(), file).map(Address::File)
    }

    pub fn listen(&self, fd: Descriptor, backlog: i32) -> Result<(), Errno> {
        // A backlog below 0 is taken for one without a sign.
        self.open_socket(fd)?.socket()?.listen((backlog as u32).min(LONGEST_BACKLOG) as usize)
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
        let (file, status) = self.file_and_flags(fd)?;
        // A connection that there is no number for stays where it waits.
        if !self.descriptors.borrow().has_room() {
            return Err(Errno::EMFILE);
        }
        let open = Open::new(file, status);
        let listener = open.socket()?;
        let (socket, peer) = self.on_socket(&open, Half::Read, || listener.accept())?;
        self.store_address(&peer, address, length)?;
        self.add_socket(socket, flags)
    }

    pub fn connect(&self, fd: Descriptor, address: User<u8>, length: u32) -> Result<(), Errno> {
        let open = self.open_socket(fd)?;
        let socket = open.socket()?;
        let address = self.peer_at(socket, address, length)?;
        let first = socket.connect(&address);
        if !open.waits() || !matches!(first, Err(Errno::EINPROGRESS | Errno::EAGAIN)) {
            return first;
        }
        let deadline = self.patience(&*open.file, Half::Write);
        let connected = self.block_on(&*open.file, deadline, || match socket.connect(&address) {
            Err(Errno::EALREADY | Errno::EINPROGRESS) => Err(Errno::EAGAIN),
            result => result,
        });
        // What goes on when the time is over is told by what it was told at first.
        if connected == Err(Errno::EAGAIN) { first } else { connected }
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
        let length = length.min(LONGEST);
        let open = self.open_socket(fd)?.with(flags).using(bytes, length);
        let bytes = self.bytes(bytes, length)?;
        let to = if address.is_null() {
            None
        } else {
            Some(self.peer_at(open.socket()?, address, address_length)?)
        };
        self.send_bytes(&open, bytes, flags, to.as_ref(), &Beside::default())
    }

    /// Sends a message, or of a stream all there is where the descriptor blocks: less only where an error or a signal comes
    /// between.
    fn send_bytes(
        &self,
        open: &Open,
        bytes: &[u8],
        flags: u32,
        to: Option<&Address>,
        beside: &Beside,
    ) -> Result<usize, Errno> {
        if flags & (MSG_OOB | MSG_FASTOPEN) != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        let socket = open.socket()?;
        let mut sent = 0;
        loop {
            let result = self.on_socket(open, Half::Write, || match beside {
                // What goes along goes with the first bytes.
                beside if sent == 0 && !beside.is_empty() => socket.send_with(bytes, to, beside),
                _ => socket.send(&bytes[sent..], to),
            });
            match result {
                Ok(taken) => sent += taken,
                Err(_) if sent > 0 => return Ok(sent),
                Err(errno) if flags & MSG_NOSIGNAL != 0 || socket.has_messages() => return Err(errno),
                Err(errno) => return Err(self.told_of_broken(errno)),
            }
            if sent >= bytes.len() || !open.waits() || socket.has_messages() {
                return Ok(sent);
            }
        }
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
        let open = self.open_socket(fd)?.with(flags);
        let length = length.min(LONGEST);
        if flags & MSG_TRUNC != 0 && !open.socket()?.has_messages() {
            return self.throw_away(&open, length, flags);
        }
        let open = open.using(buffer, length);
        let received = self.receive_bytes(&open, self.bytes_mut(buffer, length)?, flags, None)?;
        match &received.from {
            Some(from) => self.store_address(from, address, address_length)?,
            None if address.is_null() => {}
            None => self.store(address_length, 0)?,
        }
        Ok(if flags & MSG_TRUNC != 0 { received.whole } else { received.length })
    }

    /// Receives into `buffer`, and into `beside` what was passed along, which is lost where there is no place for it.
    fn receive_bytes(
        &self,
        open: &Open,
        buffer: &mut [u8],
        flags: u32,
        mut beside: Option<&mut Beside>,
    ) -> Result<Received, Errno> {
        let socket = open.socket()?;
        if flags & MSG_ERRQUEUE != 0 {
            return Err(Errno::EAGAIN);
        }
        if flags & MSG_OOB != 0 && !socket.has_messages() {
            return Err(Errno::EINVAL);
        }
        let peek = flags & MSG_PEEK != 0;
        let mut receive = |buffer: &mut [u8]| {
            let mut attempt = || match &mut beside {
                None => socket.receive(buffer, peek),
                Some(place) => socket.receive_with(buffer, peek).map(|(received, beside)| {
                    **place = beside;
                    received
                }),
            };
            self.on_socket(open, Half::Read, || match attempt() {
                // A thread that waits for what was shut down goes on.
                Err(Errno::EAGAIN) if open.waits() && open.file.readiness().has_any(Readiness::RDHUP) => {
                    Ok(Received::default())
                }
                result => result,
            })
        };
        let mut received = receive(buffer)?;
        let wants_all = flags & MSG_WAITALL != 0 && !peek && !socket.has_messages();
        while wants_all && received.length > 0 && received.length < buffer.len() {
            match receive(&mut buffer[received.length..]) {
                Ok(Received { length: 0, .. }) | Err(_) => break,
                Ok(more) => received.length += more.length,
            }
        }
        Ok(received)
    }

    /// Takes bytes of a stream that the program does not want to see (tcp(7), `MSG_TRUNC`).
    fn throw_away(&self, open: &Open, length: usize, flags: u32) -> Result<usize, Errno> {
        let mut buffer = zeros(length.min(THROWN))?;
        let mut thrown = 0;
        loop {
            let wanted = (length - thrown).min(THROWN);
            match self.receive_bytes(open, &mut buffer[..wanted], flags, None) {
                Ok(Received { length: THROWN, .. }) if flags & MSG_PEEK == 0 && wanted < length - thrown => {
                    thrown += THROWN;
                }
                Ok(received) => return Ok(thrown + received.length),
                Err(errno) if thrown == 0 => return Err(errno),
                Err(_) => return Ok(thrown),
            }
        }
    }

    pub fn shut_down(&self, fd: Descriptor, half: u32) -> Result<(), Errno> {
        let open = self.open_socket(fd)?;
        let half = match half {
            SHUT_RD => Half::Read,
            SHUT_WR => Half::Write,
            SHUT_RDWR => Half::Both,
            _ => return Err(Errno::EINVAL),
        };
        open.socket()?.shutdown(half)
    }

    pub fn own_address(&self, fd: Descriptor, address: User<u8>, length: User<u32>) -> Result<(), Errno> {
        let own = self.open_socket(fd)?.socket()?.local()?;
        self.store_asked_address(&own, address, length)
    }

    pub fn peer_address(&self, fd: Descriptor, address: User<u8>, length: User<u32>) -> Result<(), Errno> {
        let peer = self.open_socket(fd)?.socket()?.peer()?;
        self.store_asked_address(&peer, address, length)
    }

    pub fn socket_option(
        &self,
        fd: Descriptor,
        level: u32,
        name: u32,
        value: User<u8>,
        length: User<u32>,
    ) -> Result<(), Errno> {
        let open = self.open_socket(fd)?;
        let room = usize::try_from(self.load(length)? as i32).map_err(|_| Errno::EINVAL)?;
        let option = open.socket()?.option(level, name)?;
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
        length: i32,
    ) -> Result<(), Errno> {
        let open = self.open_socket(fd)?;
        let length = usize::try_from(length).map_err(|_| Errno::EINVAL)?;
        let value = self.bytes(value, length.min(LONGEST_OPTION))?;
        open.socket()?.set_option(level, name, value)
    }
}

/// The path among addresses that a socket is given: of one of Unix, and no abstract name.
fn path_of<'a>(socket: &dyn Socket, address: &'a Address) -> Option<&'a [u8]> {
    match address {
        Address::Unix(path) if path.first().is_some_and(|first| *first != 0) => {
            matches!(socket.local(), Ok(Address::Unix(_))).then_some(path)
        }
        _ => None,
    }
}

/// What socket(2) is asked for. What there is not is told as Linux does, which knows more families and types.
fn family_and_type(family: u32, kind: u32) -> Result<(Family, Type), Errno> {
    if kind & !(TYPES | SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    let family = match family {
        AF_UNIX => Family::Unix,
        AF_INET => Family::Inet,
        AF_INET6 => Family::Inet6,
        _ => return Err(Errno::EAFNOSUPPORT),
    };
    match kind & TYPES {
        SOCK_STREAM => Ok((family, Type::Stream)),
        SOCK_DGRAM => Ok((family, Type::Datagram)),
        SOCK_SEQPACKET => Ok((family, Type::SequencedPacket)),
        0..TYPE_LIMIT => Err(Errno::ESOCKTNOSUPPORT),
        _ => Err(Errno::EINVAL),
    }
}
