#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod beside;
mod errno;
mod readiness;
mod socket_file;
mod watchers;

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::net::SocketAddr;
use core::time::Duration;

pub use beside::{Beside, Credentials, Right};
pub use errno::Errno;
pub use readiness::Readiness;
pub use socket_file::SocketFile;
pub use watchers::{Watcher, Watchers};

/// What a file is (`S_IFMT` of inode(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes.
    Regular,
    /// Names.
    Directory,
    /// A symbolic link.
    Link,
    /// A device of characters.
    Character,
    /// A disk.
    Block,
    /// A pipe.
    Pipe,
    /// A socket.
    Socket,
    /// What has no place in a tree: an event counter, a timer, an `epoll`.
    Anonymous,
}

/// Facts about a file (stat(3type)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// What it is.
    pub kind: Kind,
    /// The low 12 bits of `st_mode`.
    pub permissions: u16,
    /// The file system's own number of the file, unique with `device`.
    pub inode: u64,
    /// Number of the file system.
    pub device: u64,
    /// Major and minor number of a device.
    pub special: (u32, u32),
    /// Names that it has.
    pub links: u32,
    /// Length in bytes.
    pub size: u64,
    /// Last change, in nanoseconds since 1970-01-01 00:00 UTC.
    pub modified: u64,
}

/// From where a position counts (lseek(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// The beginning.
    Start(u64),
    /// The position as it is.
    Current(i64),
    /// The end.
    End(i64),
}

/// An open file description.
///
/// No operation blocks. The default of each is the error that Linux gives where a file does not have it.
pub trait OpenFile: Any {
    /// Takes bytes from the file's position, or those that came next; 0 at the end.
    ///
    /// # Errors
    /// As read(2) says; `EAGAIN` where there is nothing yet.
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let _ = buffer;
        Err(Errno::EINVAL)
    }

    /// Writes at the file's position, or sends; says how many bytes were taken, at least one of any.
    ///
    /// # Errors
    /// As write(2) says; `EAGAIN` where there is no room yet.
    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let _ = bytes;
        Err(Errno::EINVAL)
    }

    /// Reads from `offset`, and leaves the position as it is.
    ///
    /// # Errors
    /// As pread(2) says.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        let _ = (offset, buffer);
        Err(Errno::ESPIPE)
    }

    /// Writes at `offset`, and leaves the position as it is.
    ///
    /// # Errors
    /// As pwrite(2) says.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        let _ = (offset, bytes);
        Err(Errno::ESPIPE)
    }

    /// Moves the position, and says where it is then.
    ///
    /// # Errors
    /// As lseek(2) says.
    fn seek(&self, to: Seek) -> Result<u64, Errno> {
        let _ = to;
        Err(Errno::ESPIPE)
    }

    /// Cuts the file to `size` bytes, or fills it up with zeros.
    ///
    /// # Errors
    /// As ftruncate(2) says.
    fn resize(&self, size: u64) -> Result<(), Errno> {
        let _ = size;
        Err(Errno::EINVAL)
    }

    /// Returns when what was written is where it stays.
    ///
    /// # Errors
    /// As fsync(2) says.
    fn synchronize(&self) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    /// Facts about the file.
    ///
    /// # Errors
    /// As fstat(2) says.
    fn status(&self) -> Result<Status, Errno>;

    /// What could be done with the file now, as poll(2) tells it.
    fn readiness(&self) -> Readiness {
        Readiness::IN | Readiness::OUT
    }

    /// Who is told when [`readiness`](OpenFile::readiness) may have grown; `None` for what is always ready, such as a file on
    /// a disk.
    fn watchers(&self) -> Option<&Watchers> {
        None
    }

    /// An operation of its own (ioctl(2)). `argument` is what the caller passed, a number or the bytes that it points to.
    ///
    /// # Errors
    /// As ioctl(2) says; `ENOTTY` for a request that it does not know.
    fn control(&self, request: u32, argument: &mut [u8]) -> Result<usize, Errno> {
        let _ = (request, argument);
        Err(Errno::ENOTTY)
    }

    /// The whole of the file where it lies in memory and never changes, so that it need not be copied.
    fn fixed_bytes(&self) -> Option<&'static [u8]> {
        None
    }

    /// The file as a directory.
    fn directory(&self) -> Option<&dyn Directory> {
        None
    }

    /// The file as a socket.
    fn socket(&self) -> Option<&dyn Socket> {
        None
    }
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name, `.` and `..` among them.
    pub name: Vec<u8>,
    /// Number of the file.
    pub inode: u64,
    /// What it is.
    pub kind: Kind,
}

/// An open directory.
pub trait Directory {
    /// The next name, from the position; `None` after the last. Moves the position.
    ///
    /// # Errors
    /// As getdents(2) says.
    fn next_name(&self) -> Result<Option<Name>, Errno>;

    /// Takes the last name that [`next_name`](Directory::next_name) gave back: the next call gives it again.
    fn put_back(&self);
}

/// The address of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Of no family: connecting to it ends a connection (connect(2)).
    Unspecified,
    /// Of IPv4 or IPv6 (ip(7), ipv6(7)).
    Inet(SocketAddr),
    /// Of a Unix socket (unix(7)): a path; with a zero byte in front an abstract name; empty for none.
    Unix(Vec<u8>),
    /// Of a Unix socket: the file that a path leads to.
    File(SocketFile),
}

/// Which half of a connection (shutdown(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// Receiving.
    Read,
    /// Sending.
    Write,
    /// Both.
    Both,
}

/// A message as it was received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Bytes put into the buffer.
    pub length: usize,
    /// Length of the whole datagram, which may be more than fitted.
    pub whole: usize,
    /// Who sent it, where that is not the peer of a connection.
    pub from: Option<Address>,
}

/// A socket (socket(7)). As with files, nothing blocks.
pub trait Socket {
    /// Gives it an address (bind(2)).
    ///
    /// # Errors
    /// As bind(2) says.
    fn bind(&self, address: &Address) -> Result<(), Errno>;

    /// Waits for connections from now on (listen(2)).
    ///
    /// # Errors
    /// As listen(2) says.
    fn listen(&self, backlog: usize) -> Result<(), Errno>;

    /// The next connection and its peer.
    ///
    /// # Errors
    /// As accept(2) says; `EAGAIN` where there is none yet.
    fn accept(&self) -> Result<(Rc<dyn OpenFile>, Address), Errno>;

    /// Begins to connect, or says how that went when it is called again.
    ///
    /// # Errors
    /// As connect(2) says; `EINPROGRESS` where it was begun, `EALREADY` where it goes on still.
    fn connect(&self, address: &Address) -> Result<(), Errno>;

    /// Sends `bytes`, to `to` where that is given.
    ///
    /// # Errors
    /// As sendto(2) says.
    fn send(&self, bytes: &[u8], to: Option<&Address>) -> Result<usize, Errno>;

    /// Receives into `buffer`; with `peek` what was received stays to be received again.
    ///
    /// # Errors
    /// As recvfrom(2) says.
    fn receive(&self, buffer: &mut [u8], peek: bool) -> Result<Received, Errno>;

    /// Sends as [`send`](Socket::send), and passes along what is `beside` with the first byte or the message.
    ///
    /// # Errors
    /// As sendmsg(2) says; `ETOOMANYREFS` for descriptors of sockets that could hold each other. A socket that passes nothing
    /// along sends without it.
    fn send_with(&self, bytes: &[u8], to: Option<&Address>, beside: &Beside) -> Result<usize, Errno> {
        let _ = beside;
        self.send(bytes, to)
    }

    /// Receives as [`receive`](Socket::receive), and what was passed along.
    ///
    /// # Errors
    /// As recvmsg(2) says.
    fn receive_with(&self, buffer: &mut [u8], peek: bool) -> Result<(Received, Beside), Errno> {
        self.receive(buffer, peek).map(|received| (received, Beside::default()))
    }

    /// Whether what is sent is received in the pieces in which it was sent.
    fn has_messages(&self) -> bool;

    /// How long a call that receives or sends waits at most (`SO_RCVTIMEO`, `SO_SNDTIMEO`); `None` for as long as it takes.
    fn patience(&self, half: Half) -> Option<Duration> {
        let _ = half;
        None
    }

    /// Ends a half of a connection.
    ///
    /// # Errors
    /// As shutdown(2) says.
    fn shutdown(&self, half: Half) -> Result<(), Errno>;

    /// Its own address.
    ///
    /// # Errors
    /// As getsockname(2) says.
    fn local(&self) -> Result<Address, Errno>;

    /// The peer's address.
    ///
    /// # Errors
    /// As getpeername(2) says.
    fn peer(&self) -> Result<Address, Errno>;

    /// The value of an option (getsockopt(2)), level and name as Linux numbers them.
    ///
    /// # Errors
    /// As getsockopt(2) says; `ENOPROTOOPT` for one that it does not know.
    fn option(&self, level: u32, name: u32) -> Result<Vec<u8>, Errno>;

    /// Sets an option (setsockopt(2)).
    ///
    /// # Errors
    /// As setsockopt(2) says.
    fn set_option(&self, level: u32, name: u32, value: &[u8]) -> Result<(), Errno>;
}
