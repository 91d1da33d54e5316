//! The protocols' state machine of one connection, alone in its own set, with its buffers.

use alloc::vec::Vec;

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp;

use crate::connection::Tuning;

/// Bytes in one piece that a new connection leaves to the rest of the image.
const MEMORY_LEFT: usize = 128 * 1024;

/// A state machine.
pub struct Machine {
    sockets: SocketSet<'static>,
    handle: SocketHandle,
}

impl Machine {
    /// A closed one with buffers, of which the one to send from is `send_buffer` bytes long. `None` where memory is short:
    /// peers decide how many connections there are, so that must not end the image.
    pub fn new(tuning: &Tuning, send_buffer: usize) -> Option<Self> {
        let (receive, send) = (zeroed(tuning.receive_buffer)?, zeroed(send_buffer)?);
        Vec::<u8>::new().try_reserve_exact(MEMORY_LEFT).ok()?;
        Self::with_buffers(receive, send)
    }

    /// A closed one that neither receives bytes nor sends any: it can end a connection. `None` where there is no memory.
    pub fn bare() -> Option<Self> {
        Self::with_buffers(Vec::new(), Vec::new())
    }

    fn with_buffers(receive: Vec<u8>, send: Vec<u8>) -> Option<Self> {
        let mut storage = Vec::new();
        storage.try_reserve_exact(1).ok()?;
        let mut sockets = SocketSet::new(storage);
        let socket = tcp::Socket::new(tcp::SocketBuffer::new(receive), tcp::SocketBuffer::new(send));
        let handle = sockets.add(socket);
        Some(Self { sockets, handle })
    }

    /// Makes one that is over fit for the next peer.
    pub fn renew(&mut self, tuning: &Tuning) {
        let socket = self.socket_mut();
        socket.abort();
        socket.set_nagle_enabled(tuning.nagle);
        socket.set_ack_delay(Some(tuning.acknowledgement_delay));
        socket.set_congestion_control(tuning.congestion_control);
        socket.set_keep_alive(tuning.keep_alive);
        socket.set_timeout(Some(tuning.handshake));
    }

    /// The set.
    pub const fn sockets(&mut self) -> &mut SocketSet<'static> {
        &mut self.sockets
    }

    /// What is in it.
    pub fn socket(&self) -> &tcp::Socket<'static> {
        self.sockets.get(self.handle)
    }

    /// What is in it, to change it.
    pub fn socket_mut(&mut self) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(self.handle)
    }
}

fn zeroed(length: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).ok()?;
    bytes.resize(length, 0);
    Some(bytes)
}
