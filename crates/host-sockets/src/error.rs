//! Error numbers of the kernel as the interface's errors.

use iface_net_stack::{OpenError, SocketError};
use rustix::io::Errno;

/// Why a socket could not be opened (socket(2), bind(2), listen(2), connect(2)).
pub fn open_error(errno: Errno) -> OpenError {
    match errno {
        Errno::ADDRINUSE => OpenError::AddressInUse,
        Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT => OpenError::AddressNotAvailable,
        Errno::ACCESS | Errno::PERM => OpenError::Denied,
        Errno::NETUNREACH | Errno::HOSTUNREACH | Errno::NETDOWN | Errno::INVAL => OpenError::Unreachable,
        _ => OpenError::Exhausted,
    }
}

/// Why an operation failed (tcp(7), udp(7), ip(7)).
pub fn socket_error(errno: Errno) -> SocketError {
    match errno {
        // Buffers of the kernel that are full now are free later.
        Errno::AGAIN | Errno::INTR | Errno::INPROGRESS | Errno::ALREADY | Errno::NOBUFS | Errno::NOMEM => {
            SocketError::WouldBlock
        }
        Errno::CONNREFUSED => SocketError::Refused,
        Errno::TIMEDOUT => SocketError::TimedOut,
        Errno::MSGSIZE => SocketError::TooLong,
        Errno::CONNRESET | Errno::CONNABORTED | Errno::PIPE | Errno::NOTCONN => SocketError::Reset,
        _ => SocketError::Unreachable,
    }
}
