//! Attaching to a TAP interface (netdevice(7), Documentation/networking/tuntap.rst in Linux).
#![expect(unsafe_code, reason = "two ioctls that rustix has no functions for")]

use core::mem::zeroed;

use linux_raw_sys::if_tun::{IFF_NO_PI, IFF_TAP};
use linux_raw_sys::ioctl::SIOCGIFMTU;
use linux_raw_sys::net::ifreq;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use crate::error::InitError;

/// Attaches the descriptor to an interface. The kernel writes back the whole request.
const TUNSETIFF: Opcode = opcode::write::<i32>(b'T', 202);
const GET_MTU: Opcode = SIOCGIFMTU as Opcode;

/// The least MTU over which IPv4 works, in bytes (RFC 791, section 3.2); the most that the kernel gives an interface.
const MTU_RANGE: core::ops::RangeInclusive<i32> = 68..=65_535;

/// A non-blocking descriptor of the interface called `name`, and its MTU in bytes.
pub fn attach(name: &'static str) -> Result<(OwnedFd, usize), InitError> {
    let mut request = request(name).ok_or(InitError::Name(name))?;
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = open("/dev/net/tun", flags, Mode::empty()).map_err(InitError::Open)?;
    request.ifr_ifru.ifru_flags = (IFF_TAP | IFF_NO_PI) as i16;
    control::<TUNSETIFF>(&fd, &mut request).map_err(|errno| InitError::Attach(name, errno))?;
    let mtu = mtu(request).map_err(|errno| InitError::Mtu(name, errno))?;
    Ok((fd, mtu))
}

/// The MTU of the interface that `request` names.
fn mtu(mut request: ifreq) -> Result<usize, Errno> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    control::<GET_MTU>(&socket, &mut request)?;
    // SAFETY: the kernel wrote this member; every bit pattern is a number.
    let mtu = unsafe { request.ifr_ifru.ifru_mtu };
    if MTU_RANGE.contains(&mtu) { Ok(mtu as usize) } else { Err(Errno::RANGE) }
}

/// A request about the interface called `name`; none where no interface can be called so.
fn request(name: &str) -> Option<ifreq> {
    // SAFETY: plain old data, for which zeros are valid.
    let mut request: ifreq = unsafe { zeroed() };
    // SAFETY: both members of the union are the same array of bytes.
    let place = unsafe { &mut request.ifr_ifrn.ifrn_name };
    // A zero ends the name.
    if name.is_empty() || name.len() >= place.len() || name.contains('\0') {
        return None;
    }
    for (place, byte) in place.iter_mut().zip(name.bytes()) {
        *place = byte as _;
    }
    Some(request)
}

/// `OPCODE` is one that takes an `ifreq`.
fn control<const OPCODE: Opcode>(fd: impl AsFd, request: &mut ifreq) -> Result<(), Errno> {
    const { assert!(OPCODE == TUNSETIFF || OPCODE == GET_MTU) };
    // SAFETY: both opcodes read and write one `ifreq` and nothing else.
    unsafe { ioctl(fd, Updater::<OPCODE, ifreq>::new(request)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_interface_has_are_refused() {
        for name in ["", "sixteen-letters-", "a\0b"] {
            assert_eq!(attach(name).err(), Some(InitError::Name(name)));
        }
        assert!(request("fifteen-letters").is_some());
    }
}
