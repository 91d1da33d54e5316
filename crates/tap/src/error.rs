//! Why there is no card.

use core::fmt;

use rustix::io::Errno;

/// Why the interface could not be attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitError {
    /// `/dev/net/tun` cannot be opened.
    Open(Errno),
    /// The name is empty, longer than 15 bytes or holds a zero.
    Name(&'static str),
    /// The kernel refuses the interface of that name.
    Attach(&'static str, Errno),
    /// The kernel does not tell the MTU of the interface of that name, or it is not of use.
    Mtu(&'static str, Errno),
    /// The setting `mac=` is not an address of one card.
    Mac,
    /// No random address could be had.
    Random(Errno),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(Errno::NOENT | Errno::NXIO | Errno::NODEV) => {
                f.write_str("this host has no /dev/net/tun: load the module tun")
            }
            Self::Open(errno) => {
                write!(f, "/dev/net/tun cannot be opened ({errno}): it wants read and write permission")
            }
            Self::Name(name) => write!(f, "{name:?} is not the name of an interface: 1 to 15 bytes are"),
            Self::Attach(name, Errno::PERM) => write!(
                f,
                "interface {name} is missing or another user's: make it with `ip tuntap add dev {name} mode tap user USER`"
            ),
            Self::Attach(name, Errno::BUSY) => write!(f, "interface {name} is in use by another process"),
            Self::Attach(name, Errno::INVAL) => write!(f, "interface {name} is not a TAP interface"),
            Self::Attach(name, errno) => write!(f, "interface {name} cannot be attached to ({errno})"),
            Self::Mtu(name, errno) => write!(f, "the MTU of interface {name} cannot be had ({errno})"),
            Self::Mac => f.write_str("mac= takes the address of one card, as in mac=02:00:00:00:00:01"),
            Self::Random(errno) => write!(f, "no random address can be had ({errno}): give one with mac="),
        }
    }
}

impl core::error::Error for InitError {}
