//! The host's addresses, asked of the kernel by rtnetlink (rtnetlink(7), netlink(7)).

use alloc::vec;
use alloc::vec::Vec;

use iface_net_stack::IpAddr;
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
/// A request for the whole table.
const NLM_F_REQUEST_DUMP: u16 = 0x301;
const IFA_ADDRESS: u16 = 1;
/// The address of this end, where the other end of the link has another.
const IFA_LOCAL: u16 = 2;

/// Lengths in bytes of `struct nlmsghdr`, `struct ifaddrmsg`, `struct rtattr`.
const MESSAGE_HEADER: usize = 16;
const ADDRESS_HEADER: usize = 8;
const ATTRIBUTE_HEADER: usize = 4;

/// Every address but those of loopback, with its prefix length.
pub fn of_host() -> Result<Vec<(IpAddr, u8)>, Errno> {
    // Protocol 0 of netlink is NETLINK_ROUTE.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    send(&socket, &request(), SendFlags::empty())?;
    let mut addresses = Vec::new();
    let mut buffer = vec![0; 32 << 10];
    loop {
        let (length, _) = recv(&socket, &mut *buffer, RecvFlags::empty())?;
        for message in messages(&buffer[..length]) {
            match message.kind {
                RTM_NEWADDR => addresses.extend(address(message.body)),
                // The end of the table, or an error (NLMSG_ERROR).
                _ => return Ok(addresses),
            }
        }
    }
}

fn request() -> [u8; MESSAGE_HEADER + ADDRESS_HEADER] {
    let mut request = [0; MESSAGE_HEADER + ADDRESS_HEADER];
    let length = request.len() as u32;
    request[0..4].copy_from_slice(&length.to_ne_bytes());
    request[4..6].copy_from_slice(&RTM_GETADDR.to_ne_bytes());
    request[6..8].copy_from_slice(&NLM_F_REQUEST_DUMP.to_ne_bytes());
    request
}

struct Message<'a> {
    kind: u16,
    body: &'a [u8],
}

/// The messages of a datagram; what is malformed ends them.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    core::iter::from_fn(move || {
        let length = u32::from_ne_bytes(*bytes.first_chunk()?) as usize;
        let kind = u16::from_ne_bytes(*bytes.get(4..)?.first_chunk()?);
        let body = bytes.get(MESSAGE_HEADER..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message { kind, body })
    })
}

/// The attributes of a message, as type and value; what is malformed ends them.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    core::iter::from_fn(move || {
        let length = u16::from_ne_bytes(*bytes.first_chunk()?) as usize;
        let kind = u16::from_ne_bytes(*bytes.get(2..)?.first_chunk()?);
        let value = bytes.get(ATTRIBUTE_HEADER..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// The address that an RTM_NEWADDR tells.
fn address(body: &[u8]) -> Option<(IpAddr, u8)> {
    let prefix = *body.get(1)?;
    let value =
        |kind| attributes(body.get(ADDRESS_HEADER..)?).find(|(of, _)| *of == kind).map(|(_, value)| value);
    let value = value(IFA_LOCAL).or_else(|| value(IFA_ADDRESS))?;
    let address = match value.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(value).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(value).ok()?),
        _ => return None,
    };
    (!address.is_loopback()).then_some((address, prefix))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A message that tells `local` with a prefix of 24.
    fn told(local: [u8; 4]) -> Vec<u8> {
        let mut message = Vec::from(32_u32.to_ne_bytes());
        message.extend(RTM_NEWADDR.to_ne_bytes());
        message.extend([0; 10]);
        message.extend([2, 24, 0, 0, 2, 0, 0, 0]);
        message.extend(8_u16.to_ne_bytes());
        message.extend(IFA_LOCAL.to_ne_bytes());
        message.extend(local);
        message
    }

    #[test]
    fn addresses_are_read() {
        let mut bytes = told([10, 0, 2, 15]);
        bytes.extend(told([127, 0, 0, 1]));
        let told: Vec<_> = messages(&bytes).filter_map(|message| address(message.body)).collect();
        assert_eq!(told, [([10, 0, 2, 15].into(), 24)]);
    }

    #[test]
    fn the_kernel_answers() {
        for (address, _) in of_host().unwrap() {
            assert!(!address.is_loopback() && !address.is_unspecified(), "{address}");
        }
    }

    proptest! {
        #[test]
        fn malformed_messages_end(bytes in prop::collection::vec(any::<u8>(), 0..200), length in 0_u8..80) {
            let mut bytes = bytes;
            if bytes.len() > 4 {
                bytes[..4].copy_from_slice(&u32::from(length).to_ne_bytes());
            }
            let read = messages(&bytes).map(|message| address(message.body)).take(100).count();
            prop_assert!(read < 100);
        }
    }
}
