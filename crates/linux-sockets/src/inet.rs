//! What sockets of TCP and UDP have in common: addresses, errors, and who is told.

use alloc::rc::Rc;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use iface_net_stack::{NetStack, OpenError, SocketError, Told};
use linux_raw_sys::net::{AF_INET, AF_INET6};
use open_file::{Address, Errno, Readiness, Watchers};

/// A version of the Internet Protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `AF_INET`.
    Four,
    /// `AF_INET6`.
    Six,
}

impl Version {
    /// Linux's number of the family (`SO_DOMAIN`).
    pub const fn family(self) -> u32 {
        match self {
            Self::Four => AF_INET,
            Self::Six => AF_INET6,
        }
    }

    /// Nowhere.
    pub const fn unspecified(self) -> SocketAddr {
        let ip = match self {
            Self::Four => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Self::Six => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        SocketAddr::new(ip, 0)
    }

    /// An address that a program passed to bind(2) or connect(2), as the stack has it: without IPv4 in IPv6's clothes.
    ///
    /// # Errors
    /// `EAFNOSUPPORT` for an address of another family, `EINVAL` where that is shorter than one of its own.
    pub fn given(self, address: &Address) -> Result<SocketAddr, Errno> {
        match (self, address) {
            (Self::Four, Address::Inet(address @ SocketAddr::V4(_))) => Ok(*address),
            (Self::Six, Address::Inet(SocketAddr::V6(address))) => match address.ip().to_ipv4_mapped() {
                Some(ip) => Ok((ip, address.port()).into()),
                None => Ok((*address).into()),
            },
            (Self::Six, Address::Inet(SocketAddr::V4(_))) => Err(Errno::EINVAL),
            (_, Address::Unix(name)) if name.len() < self.least() => Err(Errno::EINVAL),
            _ => Err(Errno::EAFNOSUPPORT),
        }
    }

    /// Bytes behind the family that an address has at least (`struct sockaddr_in`; that of IPv6 as RFC 2133 had it).
    const fn least(self) -> usize {
        match self {
            Self::Four => 14,
            Self::Six => 22,
        }
    }

    /// An address of a peer, where none means this host itself (ip(7)).
    ///
    /// # Errors
    /// As [`given`](Version::given).
    pub fn destination(self, address: &Address) -> Result<SocketAddr, Errno> {
        let mut address = self.given(address)?;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        Ok(address)
    }

    /// An address of the stack as a program of this version sees it.
    pub fn shown(self, address: SocketAddr) -> Address {
        Address::Inet(match (self, address.ip()) {
            (Self::Six, IpAddr::V4(ip)) if ip.is_unspecified() => {
                (Ipv6Addr::UNSPECIFIED, address.port()).into()
            }
            (Self::Six, IpAddr::V4(ip)) => (ip.to_ipv6_mapped(), address.port()).into(),
            (Self::Four, IpAddr::V6(_)) => (Ipv4Addr::UNSPECIFIED, address.port()).into(),
            _ => address,
        })
    }
}

/// The address of this host from which it reaches `remote`, by what the stack says of its own.
pub fn source<N: NetStack>(stack: N, remote: IpAddr) -> Option<IpAddr> {
    if remote.is_loopback() {
        return Some(remote);
    }
    let addresses = stack.addresses();
    let same = || addresses.iter().filter(|(address, _)| address.is_ipv4() == remote.is_ipv4());
    let near = same().find(|(address, prefix)| common_bits(*address, remote) >= u32::from(*prefix));
    near.or_else(|| same().next()).map(|(address, _)| *address)
}

/// Bits from the front that two addresses of one version share.
fn common_bits(one: IpAddr, other: IpAddr) -> u32 {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        _ => 0,
    }
}

/// Why a socket could not be opened, in Linux's numbers.
pub const fn open_error(error: OpenError) -> Errno {
    match error {
        OpenError::AddressInUse => Errno::EADDRINUSE,
        OpenError::AddressNotAvailable => Errno::EADDRNOTAVAIL,
        OpenError::Unreachable => Errno::ENETUNREACH,
        OpenError::Exhausted => Errno::ENOBUFS,
        OpenError::Closed => Errno::EINVAL,
        OpenError::Denied => Errno::EACCES,
    }
}

/// Why an operation failed, in Linux's numbers.
pub const fn socket_error(error: SocketError) -> Errno {
    match error {
        SocketError::WouldBlock => Errno::EAGAIN,
        SocketError::Closed => Errno::EPIPE,
        SocketError::Reset => Errno::ECONNRESET,
        SocketError::Refused => Errno::ECONNREFUSED,
        SocketError::TimedOut => Errno::ETIMEDOUT,
        SocketError::TooLong => Errno::EMSGSIZE,
        SocketError::Unreachable => Errno::ENETUNREACH,
    }
}

/// Tells `watchers` what a stack tells. An end and a failure are among what can be read: whoever is told looks closer.
pub fn told(watchers: &Rc<Watchers>) -> Told {
    const READABLE: Readiness =
        Readiness(Readiness::IN.0 | Readiness::RDHUP.0 | Readiness::HUP.0 | Readiness::ERR.0);
    let watchers = Rc::clone(watchers);
    Rc::new(move |news| {
        let readable = if news.readable { READABLE } else { Readiness::NONE };
        let writable = if news.writable { Readiness::OUT } else { Readiness::NONE };
        watchers.notify(readable | writable);
    })
}

/// A value that an `ioctl` gives back.
///
/// # Errors
/// `EFAULT` where there is no place for it.
pub fn put(argument: &mut [u8], value: usize) -> Result<usize, Errno> {
    let value = i32::try_from(value).unwrap_or(i32::MAX);
    *argument.first_chunk_mut().ok_or(Errno::EFAULT)? = value.to_ne_bytes();
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::Inet(text.parse().unwrap())
    }

    #[test]
    fn each_version_takes_its_own_addresses() {
        assert_eq!(Version::Four.given(&address("10.0.0.1:80")), Ok("10.0.0.1:80".parse().unwrap()));
        assert_eq!(Version::Four.given(&address("[::1]:80")), Err(Errno::EAFNOSUPPORT));
        assert_eq!(Version::Six.given(&address("10.0.0.1:80")), Err(Errno::EINVAL));
        assert_eq!(Version::Six.given(&Address::Unix(alloc::vec![])), Err(Errno::EINVAL));
        assert_eq!(Version::Six.given(&Address::Unix(alloc::vec![b'x'; 99])), Err(Errno::EAFNOSUPPORT));
        assert_eq!(Version::Six.given(&address("[::ffff:10.0.0.1]:80")), Ok("10.0.0.1:80".parse().unwrap()));
    }

    #[test]
    fn a_program_of_ipv6_sees_ipv4_mapped() {
        let shown = Version::Six.shown("10.0.0.1:80".parse().unwrap());
        assert_eq!(shown, address("[::ffff:10.0.0.1]:80"));
        assert_eq!(Version::Six.shown("0.0.0.0:80".parse().unwrap()), address("[::]:80"));
        assert_eq!(Version::Four.shown("[::]:80".parse().unwrap()), address("0.0.0.0:80"));
    }
}
