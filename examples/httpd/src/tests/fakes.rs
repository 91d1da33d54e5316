//! A stack whose clients the test plays, and a small tree of files.

use core::cell::RefCell;
use std::{collections::VecDeque, vec, vec::Vec};

use iface_filesystem::{DirectoryEntry, FileError, FileSystem, Kind, Metadata, Node};
use iface_net_stack::{
    Binding, Event, Instant, IpAddr, NetStack, OpenError, Poller, Progress, Readiness, ResolveError, Socket,
    SocketAddr, SocketError, Told,
};

/// What the test plays a client with: the client's place.
pub type Client = usize;

#[derive(Default)]
struct Peer {
    to_server: VecDeque<u8>,
    to_client: Vec<u8>,
    left: bool,
    shut: bool,
    closed: bool,
    accepted: bool,
    watched: Option<(Readiness, usize)>,
    /// Bytes taken since the last wait.
    taken: usize,
}

/// Connections to one listener, whose socket has the place after all others.
pub struct Stack {
    peers: RefCell<Vec<Peer>>,
    listening: RefCell<Option<(Readiness, usize)>>,
    window: RefCell<usize>,
}

const LISTENER: Socket = Socket { index: u32::MAX, generation: 0 };

impl Stack {
    pub fn new() -> Self {
        Self { peers: RefCell::default(), listening: RefCell::default(), window: RefCell::new(usize::MAX) }
    }

    /// Bytes that a client takes before the server has to wait.
    pub fn set_window(&self, bytes: usize) {
        self.window.replace(bytes);
    }

    pub fn connect(&self) -> Client {
        self.peers.borrow_mut().push(Peer::default());
        self.peers.borrow().len() - 1
    }

    pub fn say(&self, client: Client, bytes: &[u8]) {
        self.peers.borrow_mut()[client].to_server.extend(bytes);
    }

    pub fn leave(&self, client: Client) {
        self.peers.borrow_mut()[client].left = true;
    }

    pub fn hear(&self, client: Client) -> Vec<u8> {
        core::mem::take(&mut self.peers.borrow_mut()[client].to_client)
    }

    pub fn is_shut(&self, client: Client) -> bool {
        self.peers.borrow()[client].shut
    }

    pub fn is_closed(&self, client: Client) -> bool {
        self.peers.borrow()[client].closed
    }

    /// Whether the server has something to do at once.
    pub fn is_busy(&self) -> bool {
        !self.ready().is_empty()
    }

    fn ready(&self) -> Vec<Event> {
        let mut events = vec![];
        let peers = self.peers.borrow();
        if let Some((interest, token)) = *self.listening.borrow()
            && peers.iter().any(|peer| !peer.accepted)
            && interest.readable
        {
            events.push(Event { token, ready: Readiness::READABLE });
        }
        for peer in peers.iter().filter(|peer| !peer.closed) {
            let Some((interest, token)) = peer.watched else { continue };
            let readable = !peer.to_server.is_empty() || peer.left;
            let ready = interest.and(Readiness { readable, writable: true });
            if !ready.is_none() {
                events.push(Event { token, ready });
            }
        }
        events
    }

    fn peer<T>(&self, socket: Socket, with: impl FnOnce(&mut Peer) -> T) -> Result<T, SocketError> {
        match self.peers.borrow_mut().get_mut(socket.index as usize) {
            Some(peer) if !peer.closed => Ok(with(peer)),
            _ => Err(SocketError::Closed),
        }
    }
}

impl NetStack for &'static Stack {
    fn tcp_listen(&self, _: SocketAddr, _: usize) -> Result<Socket, OpenError> {
        Ok(LISTENER)
    }

    fn tcp_accept(&self, _: Socket) -> Result<(Socket, SocketAddr), SocketError> {
        let mut peers = self.peers.borrow_mut();
        let place = peers.iter().position(|peer| !peer.accepted).ok_or(SocketError::WouldBlock)?;
        peers[place].accepted = true;
        Ok((Socket { index: place as u32, generation: 0 }, ([127, 0, 0, 1], 1).into()))
    }

    fn recv(&self, socket: Socket, buffer: &mut [u8]) -> Result<usize, SocketError> {
        self.peer(socket, |peer| {
            let length = buffer.len().min(peer.to_server.len());
            buffer.iter_mut().zip(peer.to_server.drain(..length)).for_each(|(to, from)| *to = from);
            if length == 0 && !peer.left { Err(SocketError::WouldBlock) } else { Ok(length) }
        })?
    }

    fn send(&self, socket: Socket, bytes: &[u8]) -> Result<usize, SocketError> {
        let window = *self.window.borrow();
        self.peer(socket, |peer| {
            assert!(!peer.shut, "sent after the end");
            let length = bytes.len().min(window - peer.taken);
            peer.taken += length;
            peer.to_client.extend_from_slice(&bytes[..length]);
            if length == 0 { Err(SocketError::WouldBlock) } else { Ok(length) }
        })?
    }

    fn shutdown(&self, socket: Socket) -> Result<(), SocketError> {
        self.peer(socket, |peer| peer.shut = true)
    }

    fn close(&self, socket: Socket) {
        assert_eq!(self.peer(socket, |peer| peer.closed = true), Ok(()), "closed once");
    }

    fn poller(&self) -> Poller {
        Poller(0)
    }

    fn watch(&self, _: Poller, socket: Socket, interest: Readiness, token: usize) -> Result<(), SocketError> {
        if socket == LISTENER {
            self.listening.replace(Some((interest, token)));
            return Ok(());
        }
        self.peer(socket, |peer| peer.watched = Some((interest, token)))
    }

    fn wait(&self, _: Poller, events: &mut [Event], _: Option<Instant>) -> usize {
        let ready = self.ready();
        self.peers.borrow_mut().iter_mut().for_each(|peer| peer.taken = 0);
        let count = ready.len().min(events.len());
        events[..count].copy_from_slice(&ready[..count]);
        count
    }

    fn addresses(&self) -> Vec<(IpAddr, u8)> {
        unreachable!("not for a server of files")
    }
    fn name_servers(&self) -> Vec<IpAddr> {
        unreachable!("not for a server of files")
    }
    fn tcp_connect(&self, _: SocketAddr) -> Result<Socket, OpenError> {
        unreachable!("not for a server of files")
    }
    fn tcp_bind(&self, _: Binding) -> Result<Socket, OpenError> {
        unreachable!("not for a server of files")
    }
    fn tcp_listen_at(&self, _: Socket, _: usize) -> Result<(), OpenError> {
        unreachable!("not for a server of files")
    }
    fn tcp_connect_from(&self, _: Socket, _: SocketAddr) -> Result<(), OpenError> {
        unreachable!("not for a server of files")
    }
    fn progress(&self, _: Socket) -> Result<Progress, SocketError> {
        unreachable!("not for a server of files")
    }
    fn unread(&self, _: Socket) -> usize {
        unreachable!("not for a server of files")
    }
    fn notify(&self, _: Socket, _: Option<Told>) -> Result<(), SocketError> {
        unreachable!("not for a server of files")
    }
    fn udp_bind(&self, _: Binding) -> Result<Socket, OpenError> {
        unreachable!("not for a server of files")
    }
    fn udp_connect(&self, _: Socket, _: Option<SocketAddr>) -> Result<(), OpenError> {
        unreachable!("not for a server of files")
    }
    fn send_to(&self, _: Socket, _: &[u8], _: SocketAddr) -> Result<(), SocketError> {
        unreachable!("not for a server of files")
    }
    fn recv_from(&self, _: Socket, _: &mut [u8]) -> Result<(usize, SocketAddr), SocketError> {
        unreachable!("not for a server of files")
    }
    fn local(&self, _: Socket) -> Result<SocketAddr, SocketError> {
        unreachable!("not for a server of files")
    }
    fn abort(&self, _: Socket) {
        unreachable!("not for a server of files")
    }
    fn readiness(&self, _: Socket) -> Readiness {
        unreachable!("not for a server of files")
    }
    fn resolve(&self, _: &str) -> Result<Vec<IpAddr>, ResolveError> {
        unreachable!("not for a server of files")
    }
}

/// What `big` and `unmapped` hold.
pub static BIG: &[u8] = &[b'x'; 20_000];

/// `index.html`, `big`, `unmapped` (not in memory as a whole), and `sub`, which is empty.
pub struct Files;

const NAMES: [(&[u8], Kind, &[u8]); 5] = [
    (b"", Kind::Directory, b""),
    (b"index.html", Kind::File, b"index"),
    (b"big", Kind::File, BIG),
    (b"unmapped", Kind::File, BIG),
    (b"sub", Kind::Directory, b""),
];

impl FileSystem for &'static Files {
    fn root(&self) -> Node {
        Node(0)
    }

    fn child(&self, directory: Node, name: &[u8]) -> Result<Node, FileError> {
        let found = NAMES.iter().position(|(known, ..)| *known == name).filter(|_| directory == Node(0));
        found.map(|place| Node(place as u64)).ok_or(FileError::NotFound)
    }

    fn metadata(&self, node: Node) -> Result<Metadata, FileError> {
        let (_, kind, bytes) = NAMES[node.0 as usize];
        Ok(Metadata { kind, size: bytes.len() as u64, modified: 1000, mode: 0o644 })
    }

    fn read(&self, node: Node, offset: u64, buffer: &mut [u8]) -> Result<usize, FileError> {
        let rest = &NAMES[node.0 as usize].2[offset as usize..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn bytes(&self, node: Node) -> Option<&'static [u8]> {
        let (name, _, bytes) = NAMES[node.0 as usize];
        (name != b"unmapped").then_some(bytes)
    }

    fn entry(&self, _: Node, _: usize) -> Result<Option<DirectoryEntry>, FileError> {
        unreachable!("directories are not listed")
    }
}
