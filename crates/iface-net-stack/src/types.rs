//! The words that sockets are spoken of with.

use core::net::{AddrParseError, IpAddr, SocketAddr};
use core::str::FromStr;

/// Names an open socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Socket {
    /// Its place in the stack's table.
    pub index: u32,
    /// How often that place was given away before.
    pub generation: u32,
}

/// Names a poller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Poller(pub u32);

/// Where a socket is bound, and beside whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// An unspecified address stands for each of this host's; that of IPv6 takes IPv4 in. Port 0 picks one.
    pub address: SocketAddr,
    /// The unspecified address of IPv6 leaves IPv4 to others.
    pub ipv6_only: bool,
    /// Others that say so, too, may be bound to the same, and get a share of the connections or datagrams.
    pub shared: bool,
}

impl From<SocketAddr> for Binding {
    fn from(address: SocketAddr) -> Self {
        Self { address, ipv6_only: false, shared: false }
    }
}

impl From<(IpAddr, u16)> for Binding {
    fn from(address: (IpAddr, u16)) -> Self {
        SocketAddr::from(address).into()
    }
}

impl FromStr for Binding {
    type Err = AddrParseError;

    /// Of an address with its port.
    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        text.parse::<SocketAddr>().map(Self::from)
    }
}

/// What can be done with a socket, or is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Bytes, a datagram, a connection to accept, or the end can be read.
    pub readable: bool,
    /// There is room to send.
    pub writable: bool,
}

impl Readiness {
    /// Nothing.
    pub const NONE: Self = Self { readable: false, writable: false };
    /// Reading.
    pub const READABLE: Self = Self { readable: true, writable: false };
    /// Sending.
    pub const WRITABLE: Self = Self { readable: false, writable: true };
    /// Both.
    pub const BOTH: Self = Self { readable: true, writable: true };

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { readable: self.readable && other.readable, writable: self.writable && other.writable }
    }

    /// Whether it is nothing.
    pub const fn is_none(self) -> bool {
        !self.readable && !self.writable
    }
}

/// How far a TCP connection has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The handshake was done; it may have ended since.
    pub is_established: bool,
    /// The peer sends no more than what is unread.
    pub has_ended: bool,
    /// There are bytes that can be received now.
    pub has_unread: bool,
    /// There is room to send.
    pub has_room: bool,
    /// Why it failed. What is unread can be received still.
    pub failure: Option<SocketError>,
}

/// A watched socket that is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// What [`watch`](crate::NetStack::watch) was given.
    pub token: usize,
    /// What the socket is ready for, of what was asked. An error or a reset counts as both.
    pub ready: Readiness,
}

/// Why a socket could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// Another socket has the address.
    AddressInUse,
    /// This host does not have the address.
    AddressNotAvailable,
    /// There is no way to the peer.
    Unreachable,
    /// As many sockets are open as may be, or no memory is left.
    Exhausted,
    /// The socket is closed, or not one that is bound and no more.
    Closed,
    /// The stack was not allowed to (a port below 1024 without the right to it).
    Denied,
}

impl core::fmt::Display for OpenError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::AddressInUse => "the address is in use",
            Self::AddressNotAvailable => "the address is not this host's",
            Self::Unreachable => "no route to the address",
            Self::Exhausted => "no more sockets",
            Self::Closed => "the socket is not bound, or no more",
            Self::Denied => "not allowed to use the address",
        })
    }
}

impl core::error::Error for OpenError {}

/// Why an operation on a socket failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketError {
    /// Not now; wait until the socket is ready.
    WouldBlock,
    /// Closed here, or not of the kind that the operation is for.
    Closed,
    /// The peer reset the connection.
    Reset,
    /// The peer refused the connection.
    Refused,
    /// The peer did not answer.
    TimedOut,
    /// The datagram is longer than can be sent.
    TooLong,
    /// There is no way to the peer.
    Unreachable,
}

impl core::fmt::Display for SocketError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::WouldBlock => "not ready",
            Self::Closed => "the socket is closed",
            Self::Reset => "the peer reset the connection",
            Self::Refused => "the peer refused the connection",
            Self::TimedOut => "the peer did not answer",
            Self::TooLong => "the datagram is too long",
            Self::Unreachable => "no route to the peer",
        })
    }
}

impl core::error::Error for SocketError {}

/// Why a name has no addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolveError {
    /// No such name, or it has no address.
    NotFound,
    /// The name is not a host name.
    InvalidName,
    /// No server is configured.
    NoServer,
    /// No server answered.
    TimedOut,
}

impl core::fmt::Display for ResolveError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no such host",
            Self::InvalidName => "not a host name",
            Self::NoServer => "no name server is configured",
            Self::TimedOut => "no name server answered",
        })
    }
}

impl core::error::Error for ResolveError {}
