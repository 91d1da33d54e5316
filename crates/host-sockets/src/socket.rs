//! Sockets of the host, opened without blocking.

use iface_net_stack::{
    Binding, IpAddr, Ipv4Addr, Poller, Progress, Readiness, SocketAddr, SocketError, Told,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::{Errno, ioctl_fionread};
use rustix::net::sockopt::{
    set_ipv6_v6only, set_socket_linger, set_socket_reuseaddr, set_socket_reuseport, set_tcp_nodelay,
    socket_error,
};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrAny, SocketFlags, SocketType, bind, connect,
    connect_unspec, getpeername, getsockname, listen, recv, send, shutdown, socket_with,
};

use crate::error;

/// Unread bytes that closing a connection drops; with more, the peer sees a reset.
const MOST_DROPPED: usize = 1 << 20;

/// What an operation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Has an address, and does nothing with it yet.
    Bound,
    /// Accepts connections.
    Listener,
    /// A connection.
    Stream,
    /// Datagrams.
    Datagrams,
}

/// An open socket.
pub struct HostSocket {
    pub fd: OwnedFd,
    pub kind: Kind,
    pub watch: Option<Watch>,
    pub told: Option<Told>,
    /// What the kernel told last of a connection, as far as nothing was taken or sent since. With this there is no need to
    /// ask it.
    known: PollFlags,
    /// Whether what does not fill a segment waits for more.
    held: bool,
    /// Why the connection failed, where the kernel told when it was begun, and tells no more.
    pub failure: Option<SocketError>,
}

/// How a socket is watched.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    pub poller: Poller,
    pub interest: Readiness,
    pub token: usize,
}

impl HostSocket {
    pub fn new(fd: OwnedFd, kind: Kind) -> Self {
        Self { fd, kind, watch: None, told: None, known: PollFlags::empty(), held: false, failure: None }
    }

    /// Listens at `local`.
    pub fn listen(local: SocketAddr, backlog: usize) -> Result<Self, Errno> {
        let mut socket = Self::bind(local.into())?;
        socket.begin_listening(backlog)?;
        Ok(socket)
    }

    /// Begins a connection.
    pub fn connect(remote: SocketAddr) -> Result<Self, Errno> {
        let mut socket = Self::new(unbound(remote, SocketType::STREAM)?, Kind::Bound);
        socket.begin_connecting(remote)?;
        Ok(socket)
    }

    /// A bound socket for TCP.
    pub fn bind(binding: Binding) -> Result<Self, Errno> {
        bound(binding, SocketType::STREAM).map(|fd| Self::new(fd, Kind::Bound))
    }

    /// Makes a bound socket one that listens.
    pub fn begin_listening(&mut self, backlog: usize) -> Result<(), Errno> {
        // Accepted connections inherit it. A stack of its own sends small segments at once, too.
        set_tcp_nodelay(&self.fd, true)?;
        // The kernel lets one connection more wait than it is told (listen(2), tcp(7)).
        listen(&self.fd, backlog.saturating_sub(1).try_into().unwrap_or(i32::MAX))?;
        self.kind = Kind::Listener;
        Ok(())
    }

    /// Begins a connection of a bound socket.
    pub fn begin_connecting(&mut self, remote: SocketAddr) -> Result<(), Errno> {
        set_tcp_nodelay(&self.fd, true)?;
        self.failure = match connect(&self.fd, &self.reachable(remote)?) {
            Ok(()) | Err(Errno::INPROGRESS) => None,
            // On loopback the answer is there at once.
            Err(refused @ (Errno::CONNREFUSED | Errno::CONNRESET)) => Some(error::socket_error(refused)),
            Err(errno) => return Err(errno),
        };
        self.kind = Kind::Stream;
        Ok(())
    }

    /// How far a connection has come. The kernel tells of a failure once, so that is kept.
    pub fn progress(&mut self) -> Result<Progress, Errno> {
        let flags = match self.known {
            known if known.contains(PollFlags::IN | PollFlags::OUT) => known,
            _ => self.flags(PollFlags::IN | PollFlags::OUT | PollFlags::RDHUP),
        };
        let has_ended = flags.contains(PollFlags::RDHUP);
        if flags.contains(PollFlags::ERR)
            && let Err(errno) = socket_error(&self.fd)?
        {
            self.failure = Some(error::socket_error(errno));
        }
        Ok(Progress {
            // The kernel tells nothing at all of a handshake that goes on.
            is_established: self.failure != Some(SocketError::Refused)
                && (!flags.is_empty() || getpeername(&self.fd).is_ok()),
            has_ended,
            // An end can be received as well.
            has_unread: flags.contains(PollFlags::IN) && (!has_ended || self.unread() > 0),
            has_room: flags.contains(PollFlags::OUT),
            failure: self.failure,
        })
    }

    /// Bytes that wait to be received.
    pub fn unread(&self) -> usize {
        ioctl_fionread(&self.fd).map_or(0, |bytes| bytes as usize)
    }

    /// Takes in what the kernel tells, by flags of epoll(7), when something new came to the socket. Errors are asked for.
    pub fn note(&mut self, flags: u32) {
        let known = PollFlags::from_bits_truncate(flags as u16);
        let has_failed = known.intersects(PollFlags::ERR | PollFlags::HUP);
        self.known = if has_failed { PollFlags::empty() } else { known };
    }

    /// Takes what a connection received into `buffer`.
    pub fn recv(&mut self, buffer: &mut [u8]) -> Result<usize, SocketError> {
        self.known.remove(PollFlags::IN);
        // What came before the connection failed can be read still.
        match recv(&self.fd, buffer, RecvFlags::empty()) {
            Ok((0, _)) => self.failure.map_or(Ok(0), Err),
            Ok((length, _)) => Ok(length),
            Err(errno) => Err(self.failed(errno)),
        }
    }

    /// Sends on a connection.
    pub fn send(&mut self, bytes: &[u8]) -> Result<usize, SocketError> {
        self.known.remove(PollFlags::OUT);
        let more = if self.held { SendFlags::MORE } else { SendFlags::empty() };
        match self.failure {
            Some(failure) => Err(failure),
            None => send(&self.fd, bytes, SendFlags::NOSIGNAL | more).map_err(|errno| self.failed(errno)),
        }
    }

    /// Has what does not fill a segment wait for more, or go.
    pub fn hold(&mut self, held: bool) {
        if self.held && !held {
            // Sends what waits (tcp(7)). Where it fails there is no connection that something could wait for.
            let _ = set_tcp_nodelay(&self.fd, true);
        }
        self.held = held;
    }

    /// Why an operation on a connection failed. The kernel tells that the connection did once, so that is kept.
    fn failed(&mut self, errno: Errno) -> SocketError {
        let error = error::socket_error(errno);
        if matches!(errno, Errno::CONNRESET | Errno::CONNREFUSED | Errno::TIMEDOUT) {
            self.failure = Some(error);
        }
        self.failure.unwrap_or(error)
    }

    /// What poll(2) tells of those flags, and of those that it tells always.
    fn flags(&self, asked: PollFlags) -> PollFlags {
        let mut fds = [PollFd::new(&self.fd, asked)];
        match poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
            Ok(1..) => fds[0].revents(),
            _ => PollFlags::empty(),
        }
    }

    /// A bound socket for datagrams.
    pub fn datagrams(binding: Binding) -> Result<Self, Errno> {
        bound(binding, SocketType::DGRAM).map(|fd| Self::new(fd, Kind::Datagrams))
    }

    /// Connects a socket for datagrams, or none.
    pub fn connect_datagrams(&self, remote: Option<SocketAddr>) -> Result<(), Errno> {
        match remote {
            Some(remote) => connect(&self.fd, &self.reachable(remote)?),
            None => connect_unspec(&self.fd),
        }
    }

    /// What could be done now.
    pub fn readiness(&self) -> Readiness {
        ready(self.flags(PollFlags::IN | PollFlags::OUT).bits().into())
    }

    /// Gives the socket up; what it took to send is still sent. A connection closed with unread bytes would be reset,
    /// and the peer might lose what was sent to it: so they are dropped first.
    pub fn close(self) {
        if self.kind == Kind::Stream && shutdown(&self.fd, Shutdown::Write).is_ok() {
            let mut dropped = 0;
            let mut buffer = [0; 4096];
            while let Ok((length @ 1.., _)) = recv(&self.fd, &mut buffer, RecvFlags::TRUNC)
                && dropped < MOST_DROPPED
            {
                dropped += length;
            }
        }
    }

    /// Gives the socket up at once: with no time to linger, the kernel resets the connection (socket(7)).
    pub fn abort(self) {
        // Where it fails there is no connection, so nothing to reset.
        let _ = set_socket_linger(&self.fd, Some(core::time::Duration::ZERO));
    }

    /// `remote` as this socket can name it: one of IPv6 names IPv4 by mapped addresses (RFC 4291, section 2.5.5.2).
    pub fn reachable(&self, remote: SocketAddr) -> Result<SocketAddr, Errno> {
        match remote.ip() {
            IpAddr::V4(address) if getsockname(&self.fd)?.address_family() == AddressFamily::INET6 => {
                Ok((address.to_ipv6_mapped(), remote.port()).into())
            }
            _ => Ok(remote),
        }
    }
}

/// What flags of poll(2) or epoll(7) say, which have the same bits; an error counts as both.
pub fn ready(flags: u32) -> Readiness {
    let has = |flag: PollFlags| flags & u32::from(flag.bits()) != 0;
    let failed = has(PollFlags::ERR) || has(PollFlags::HUP);
    Readiness { readable: has(PollFlags::IN) || failed, writable: has(PollFlags::OUT) || failed }
}

/// An address as the kernel tells it; IPv4 over an IPv6 socket is IPv4.
pub fn address(any: SocketAddrAny) -> Option<SocketAddr> {
    let address = SocketAddr::try_from(any).ok()?;
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

fn unbound(address: SocketAddr, kind: SocketType) -> Result<OwnedFd, Errno> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    socket_with(family, kind, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)
}

/// A bound socket. The unspecified address of IPv6 takes IPv4 in unless it is told not to; on a host without IPv6 it is
/// that of IPv4.
fn bound(binding: Binding, kind: SocketType) -> Result<OwnedFd, Errno> {
    let local = binding.address;
    let takes_ipv4_in = local.is_ipv6() && local.ip().is_unspecified() && !binding.ipv6_only;
    match bound_in_family(binding, takes_ipv4_in, kind) {
        Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) if takes_ipv4_in => {
            let address = (IpAddr::from(Ipv4Addr::UNSPECIFIED), local.port()).into();
            bound_in_family(Binding { address, ..binding }, false, kind)
        }
        other => other,
    }
}

fn bound_in_family(binding: Binding, takes_ipv4_in: bool, kind: SocketType) -> Result<OwnedFd, Errno> {
    let local = binding.address;
    let fd = unbound(local, kind)?;
    if local.is_ipv6() {
        set_ipv6_v6only(&fd, !takes_ipv4_in)?;
    }
    if kind == SocketType::STREAM {
        // Connections of an earlier listener that linger do not hold its port.
        set_socket_reuseaddr(fd.as_fd(), true)?;
    }
    if binding.shared {
        set_socket_reuseport(&fd, true)?;
    }
    bind(&fd, &local)?;
    Ok(fd)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::io::Read;
    use std::net::TcpStream;
    use std::time::Duration;

    use rustix::io::{read, write};
    use rustix::net::{accept, socketpair};

    use super::*;

    fn told(flags: PollFlags) -> u32 {
        u32::from(flags.bits())
    }

    /// Whether a byte that is held is seen only with the one behind it. It is sent after a while, too.
    fn is_held(socket: &mut HostSocket, peer: &mut TcpStream) -> bool {
        socket.hold(true);
        assert_eq!(socket.send(b"a"), Ok(1));
        let is_held = peer.peek(&mut [0; 2]).is_err();
        assert_eq!(socket.send(b"b"), Ok(1));
        socket.hold(false);
        receive(peer, &mut [0; 2]);
        is_held
    }

    /// Waits for bytes, but not for ever.
    fn receive(peer: &mut TcpStream, buffer: &mut [u8]) {
        peer.set_nonblocking(false).unwrap();
        peer.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        peer.read_exact(buffer).unwrap();
        peer.set_nonblocking(true).unwrap();
    }

    #[test]
    fn what_is_held_goes_together() {
        let listener = HostSocket::listen("127.0.0.1:0".parse().unwrap(), 1).unwrap();
        let local = address(getsockname(&listener.fd).unwrap()).unwrap();
        let mut peer = TcpStream::connect(local).unwrap();
        peer.set_nonblocking(true).unwrap();
        let mut socket = HostSocket::new(accept(&listener.fd).unwrap(), Kind::Stream);
        assert!((0..10).any(|_| is_held(&mut socket, &mut peer)));
        assert_eq!(socket.send(b"c"), Ok(1));
        receive(&mut peer, &mut [0]);
    }

    #[test]
    fn the_kernel_is_asked_for_what_it_did_not_tell() {
        let (ours, peer) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::NONBLOCK, None).unwrap();
        let mut socket = HostSocket::new(ours, Kind::Stream);
        let idle = Progress { is_established: true, has_room: true, ..Progress::default() };
        let ready = Progress { has_unread: true, ..idle };
        assert_eq!(socket.progress(), Ok(idle));
        write(&peer, b"abc").unwrap();
        assert_eq!((socket.progress(), socket.unread()), (Ok(ready), 3));

        // What is told holds until something is taken: nobody else takes anything, but this test does.
        socket.note(told(PollFlags::IN | PollFlags::OUT));
        assert_eq!(read(&socket.fd, &mut [0; 8]), Ok(3));
        assert_eq!((socket.progress(), socket.unread()), (Ok(ready), 0));
        assert_eq!(socket.recv(&mut [0]), Err(SocketError::WouldBlock));
        assert_eq!(socket.progress(), Ok(idle));

        // A half of it is not enough, and of errors the kernel has more to tell.
        socket.note(told(PollFlags::IN));
        assert_eq!(socket.progress(), Ok(idle));
        socket.note(told(PollFlags::IN | PollFlags::OUT | PollFlags::ERR));
        assert_eq!(socket.progress(), Ok(idle));
        socket.note(told(PollFlags::IN | PollFlags::OUT));
        assert_eq!(socket.send(b"x"), Ok(1));
        assert_eq!(socket.progress(), Ok(idle));

        drop(peer);
        socket.note(told(PollFlags::IN | PollFlags::OUT | PollFlags::RDHUP));
        assert_eq!(socket.progress(), Ok(Progress { has_ended: true, ..idle }));
    }
}
