//! A UDP socket.

use alloc::{vec, vec::Vec};
use core::net::SocketAddr;

use iface_clock::Instant;
use iface_net_stack::{Binding, Readiness, SocketError};
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::udp;
use smoltcp::wire::{IpEndpoint, IpListenEndpoint};

/// Datagrams that wait in each direction, and the bytes they have room for.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub datagrams: usize,
    pub bytes: usize,
}

/// A UDP socket in a set of its own.
pub struct Datagrams {
    pub sockets: SocketSet<'static>,
    handle: SocketHandle,
    pub binding: Binding,
    /// Who is to be heard of, and whether that peer said that nobody receives at its port.
    peer: Option<SocketAddr>,
    refused: bool,
    /// Once the application gave it up: until when what it has to send may wait for its neighbor to be found.
    pub give_up: Option<Instant>,
}

impl Datagrams {
    /// Bound, and not to port 0.
    pub fn new(room: Room, binding: Binding) -> Self {
        let local = binding.address;
        let buffer =
            || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; room.datagrams], vec![0; room.bytes]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        let address = (!local.ip().is_unspecified()).then(|| local.ip().into());
        let bound = socket.bind(IpListenEndpoint { addr: address, port: local.port() });
        debug_assert!(bound.is_ok(), "a new socket binds to any port but 0");
        let mut sockets = SocketSet::new(Vec::with_capacity(1));
        let handle = sockets.add(socket);
        Self { sockets, handle, binding, peer: None, refused: false, give_up: None }
    }

    fn socket(&self) -> &udp::Socket<'static> {
        self.sockets.get(self.handle)
    }

    fn socket_mut(&mut self) -> &mut udp::Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    /// What can be done with it.
    pub fn readiness(&self) -> Readiness {
        Readiness { readable: self.refused || self.socket().can_recv(), writable: self.socket().can_send() }
    }

    /// Hears of datagrams to this peer from now on, or of none.
    pub const fn connect(&mut self, peer: Option<SocketAddr>) {
        self.peer = peer;
    }

    /// Somebody said that nobody receives at `remote`.
    pub fn refuse(&mut self, remote: SocketAddr) {
        self.refused |= self.peer == Some(remote);
    }

    /// That the peer refuses, told once.
    pub fn take_refusal(&mut self) -> Result<(), SocketError> {
        if core::mem::take(&mut self.refused) { Err(SocketError::Refused) } else { Ok(()) }
    }

    /// Whether datagrams wait to be sent.
    pub fn has_unsent(&self) -> bool {
        self.socket().send_queue() > 0
    }

    /// Whether it was given up and has nothing to send, or its time is over.
    pub fn is_over(&self, now: Instant) -> bool {
        self.give_up.is_some_and(|give_up| give_up <= now || !self.has_unsent())
    }

    /// Queues one datagram.
    pub fn send_to(&mut self, bytes: &[u8], remote: SocketAddr) -> Result<(), SocketError> {
        let socket = self.socket_mut();
        if bytes.len() > socket.payload_send_capacity() {
            return Err(SocketError::TooLong);
        }
        socket.send_slice(bytes, IpEndpoint::from(remote)).map_err(|error| match error {
            udp::SendError::Unaddressable => SocketError::Unreachable,
            udp::SendError::BufferFull => SocketError::WouldBlock,
        })
    }

    /// Takes one datagram.
    pub fn recv_from(&mut self, buffer: &mut [u8]) -> Result<(usize, SocketAddr), SocketError> {
        self.take_refusal()?;
        let (bytes, metadata) = self.socket_mut().recv().map_err(|_| SocketError::WouldBlock)?;
        let length = bytes.len().min(buffer.len());
        buffer[..length].copy_from_slice(&bytes[..length]);
        let remote = metadata.endpoint;
        Ok((length, SocketAddr::new(remote.addr.into(), remote.port)))
    }
}
