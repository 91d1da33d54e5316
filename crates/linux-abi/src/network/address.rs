//! Addresses of sockets as programs have them (`struct sockaddr`).

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use linux_raw_sys::net::{AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC};
use open_file::{Address, Errno, SocketFile};

use crate::linux::{Linux, World};
use crate::user::User;

/// The longest (`struct sockaddr_storage`).
const LONGEST: usize = 128;
/// `struct sockaddr_in` (ip(7)) and `struct sockaddr_in6` (ipv6(7)), in bytes.
const INET_LENGTH: usize = 16;
const INET6_LENGTH: usize = 28;
/// The latter without its scope, as RFC 2133 had it, is taken, too.
const LEAST_INET6_LENGTH: usize = 24;
/// Bytes of a path in `struct sockaddr_un` (unix(7)).
const PATH_LENGTH: usize = 108;
const FAMILY_LENGTH: usize = 2;

impl<W: World> Linux<W> {
    /// The address that a program passes.
    pub(super) fn address(&self, from: User<u8>, length: u32) -> Result<Address, Errno> {
        let length = length as usize;
        if length > LONGEST {
            return Err(Errno::EINVAL);
        }
        parse(self.bytes(from, length)?)
    }

    /// Stores an address where a program asks for it, as much as there is room for, and how long it is.
    pub(super) fn store_address(
        &self,
        address: &Address,
        to: User<u8>,
        length: User<u32>,
    ) -> Result<(), Errno> {
        if to.is_null() {
            return Ok(());
        }
        let room = self.load(length)?;
        if i32::try_from(room).is_err() {
            return Err(Errno::EINVAL);
        }
        let stored = self.store_address_in(address, to, room)?;
        self.store(length, stored)
    }

    /// As [`store_address`](Linux::store_address), where no place for it is an error.
    pub(super) fn store_asked_address(
        &self,
        address: &Address,
        to: User<u8>,
        length: User<u32>,
    ) -> Result<(), Errno> {
        if to.is_null() { Err(Errno::EFAULT) } else { self.store_address(address, to, length) }
    }

    /// Stores as much of an address as there is room for; says how long it is.
    pub(super) fn store_address_in(&self, address: &Address, to: User<u8>, room: u32) -> Result<u32, Errno> {
        let bytes = bytes_of(address);
        let taken = bytes.len().min(room as usize);
        self.bytes_mut(to, taken)?.copy_from_slice(&bytes[..taken]);
        Ok(bytes.len() as u32)
    }
}

fn parse(bytes: &[u8]) -> Result<Address, Errno> {
    let (family, rest) = bytes.split_first_chunk().ok_or(Errno::EINVAL)?;
    match u32::from(u16::from_ne_bytes(*family)) {
        AF_INET => inet(bytes),
        AF_INET6 => inet6(bytes),
        AF_UNIX => unix(rest),
        AF_UNSPEC => Ok(Address::Unspecified),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

fn inet(bytes: &[u8]) -> Result<Address, Errno> {
    let fields: &[u8; INET_LENGTH] = bytes.first_chunk().ok_or(Errno::EINVAL)?;
    let [_, _, high, low, a, b, c, d, ..] = *fields;
    let address = SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low]));
    Ok(Address::Inet(address.into()))
}

fn inet6(bytes: &[u8]) -> Result<Address, Errno> {
    let fields: &[u8; LEAST_INET6_LENGTH] = bytes.first_chunk().ok_or(Errno::EINVAL)?;
    let word = |offset: usize| bytes[offset..].first_chunk::<4>().copied().unwrap_or_default();
    let address: [u8; 16] = fields[8..].first_chunk().copied().unwrap_or_default();
    let port = u16::from_be_bytes([fields[2], fields[3]]);
    let (flow, scope) = (u32::from_be_bytes(word(4)), u32::from_ne_bytes(word(24)));
    Ok(Address::Inet(SocketAddrV6::new(Ipv6Addr::from(address), port, flow, scope).into()))
}

/// A path ends at a zero byte; an abstract name, which begins with one, does not.
fn unix(name: &[u8]) -> Result<Address, Errno> {
    if name.len() > PATH_LENGTH {
        return Err(Errno::EINVAL);
    }
    let end = match name.first() {
        Some(0) | None => name.len(),
        Some(_) => name.iter().position(|byte| *byte == 0).unwrap_or(name.len()),
    };
    Ok(Address::Unix(Vec::from(&name[..end])))
}

fn bytes_of(address: &Address) -> Vec<u8> {
    match address {
        Address::Unspecified => Vec::from((AF_UNSPEC as u16).to_ne_bytes()),
        Address::Inet(address) => bytes_of_inet(address),
        Address::Unix(name) | Address::File(SocketFile { path: name, .. }) => {
            let mut bytes = Vec::with_capacity(FAMILY_LENGTH + name.len() + 1);
            bytes.extend((AF_UNIX as u16).to_ne_bytes());
            bytes.extend(name);
            if name.first().is_some_and(|first| *first != 0) {
                bytes.push(0);
            }
            bytes
        }
    }
}

fn bytes_of_inet(address: &SocketAddr) -> Vec<u8> {
    let family = if address.is_ipv4() { AF_INET } else { AF_INET6 };
    let mut bytes = Vec::with_capacity(INET6_LENGTH);
    bytes.extend((family as u16).to_ne_bytes());
    bytes.extend(address.port().to_be_bytes());
    match (address.ip(), address) {
        (IpAddr::V4(ip), _) => {
            bytes.extend(ip.octets());
            bytes.resize(INET_LENGTH, 0);
        }
        (IpAddr::V6(ip), SocketAddr::V6(address)) => {
            bytes.extend(address.flowinfo().to_be_bytes());
            bytes.extend(ip.octets());
            bytes.extend(address.scope_id().to_ne_bytes());
        }
        (IpAddr::V6(_), SocketAddr::V4(_)) => unreachable!("an address of IPv4 has an address of IPv4"),
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_comes_back_as_it_was() {
        let addresses = [
            Address::Inet("10.0.2.15:80".parse().unwrap()),
            Address::Inet(SocketAddrV6::new("fe80::1".parse().unwrap(), 443, 7, 2).into()),
            Address::Unix(Vec::new()),
            Address::Unspecified,
            Address::Unix(Vec::from(*b"/run/x")),
            Address::Unix(Vec::from(*b"\0abstract\0name")),
        ];
        for address in addresses {
            assert_eq!(parse(&bytes_of(&address)), Ok(address));
        }
    }

    #[test]
    fn what_is_too_short_or_unknown_is_refused() {
        for (bytes, errno) in [
            (&[][..], Errno::EINVAL),
            (&[2], Errno::EINVAL),
            (&[2, 0, 0, 80, 10, 0, 2, 15], Errno::EINVAL),
            (&[10, 0, 0, 80], Errno::EINVAL),
            (&[99, 0, 1, 2], Errno::EAFNOSUPPORT),
            (&[1; 120], Errno::EAFNOSUPPORT),
        ] {
            assert_eq!(parse(bytes), Err(errno), "{bytes:?}");
        }
        let mut long = [0x2f; FAMILY_LENGTH + PATH_LENGTH + 1];
        long[..2].copy_from_slice(&1_u16.to_ne_bytes());
        assert_eq!(parse(&long), Err(Errno::EINVAL));
    }
}
