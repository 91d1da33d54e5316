#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

pub mod conformance;
mod types;

pub use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use alloc::rc::Rc;
use alloc::vec::Vec;

pub use iface_clock::{Duration, Instant};
pub use types::*;

/// Who is told of a socket's readiness.
pub type Told = Rc<dyn Fn(Readiness)>;

/// TCP and UDP sockets, none of whose operations blocks but [`wait`](NetStack::wait) and
/// [`resolve`](NetStack::resolve).
///
/// An operation that can't go on now answers `WouldBlock`; a [`Poller`] tells when it can. Using a [`Socket`] after
/// [`close`](NetStack::close) answers `Closed`, also when its place was given to a newer one.
pub trait NetStack: Copy + 'static {
    /// The addresses this host has, with their prefix lengths, those of loopback left out; empty while none is configured.
    fn addresses(&self) -> Vec<(IpAddr, u8)>;

    /// The name servers that [`resolve`](NetStack::resolve) asks, in their order; those of a lease are among them as long as
    /// it lasts.
    fn name_servers(&self) -> Vec<IpAddr>;

    /// Listens for TCP connections on `local`, as a [`Binding`] of it. Up to `backlog` connections wait for
    /// [`accept`](NetStack::accept); further ones are not answered, so that the peer tries again.
    fn tcp_listen(&self, local: SocketAddr, backlog: usize) -> Result<Socket, OpenError>;

    /// Takes the connection that has waited longest, with its peer's address.
    fn tcp_accept(&self, listener: Socket) -> Result<(Socket, SocketAddr), SocketError>;

    /// Begins a TCP connection. It becomes writable when established; when it can't be, `send` and `recv` say why.
    fn tcp_connect(&self, remote: SocketAddr) -> Result<Socket, OpenError>;

    /// Keeps an address for a TCP socket that neither listens nor is connected yet: a peer that connects is refused.
    fn tcp_bind(&self, binding: Binding) -> Result<Socket, OpenError>;

    /// Has a socket of [`tcp_bind`](NetStack::tcp_bind) listen, as [`tcp_listen`](NetStack::tcp_listen) does.
    fn tcp_listen_at(&self, bound: Socket, backlog: usize) -> Result<(), OpenError>;

    /// Begins a TCP connection of a socket of [`tcp_bind`](NetStack::tcp_bind), as [`tcp_connect`](NetStack::tcp_connect)
    /// does. The socket stays bound where it can't be begun.
    fn tcp_connect_from(&self, bound: Socket, remote: SocketAddr) -> Result<(), OpenError>;

    /// How far a TCP connection has come.
    fn progress(&self, socket: Socket) -> Result<Progress, SocketError>;

    /// Bytes that a TCP connection has received, and nobody taken; 0 where there is none.
    fn unread(&self, socket: Socket) -> usize;

    /// Takes received bytes into `buffer` and says how many; 0 after the peer's last byte.
    fn recv(&self, socket: Socket, buffer: &mut [u8]) -> Result<usize, SocketError>;

    /// Takes bytes to send, and says how many it took: at least one.
    fn send(&self, socket: Socket, bytes: &[u8]) -> Result<usize, SocketError>;

    /// Whether bytes of a TCP connection that do not fill a segment may wait for further ones, for a fifth of a second at most,
    /// until this is told again. That is a hint, and of no use to a stack that sends together what it takes in one turn.
    fn hold(&self, _socket: Socket, _held: bool) {}

    /// Says that no more is to be sent: the peer reads to the end. Receiving goes on.
    fn shutdown(&self, socket: Socket) -> Result<(), SocketError>;

    /// A UDP socket.
    fn udp_bind(&self, binding: Binding) -> Result<Socket, OpenError>;

    /// Connects a UDP socket, or none: where the peer says that nobody receives at its port, the next
    /// [`send_to`](NetStack::send_to) or [`recv_from`](NetStack::recv_from) is `Refused`. Datagrams of others may be left out.
    fn udp_connect(&self, socket: Socket, remote: Option<SocketAddr>) -> Result<(), OpenError>;

    /// Sends one datagram.
    fn send_to(&self, socket: Socket, bytes: &[u8], remote: SocketAddr) -> Result<(), SocketError>;

    /// Takes one datagram; what is longer than `buffer` is cut off. Says its length in `buffer` and its sender.
    fn recv_from(&self, socket: Socket, buffer: &mut [u8]) -> Result<(usize, SocketAddr), SocketError>;

    /// The socket's own address.
    fn local(&self, socket: Socket) -> Result<SocketAddr, SocketError>;

    /// Gives the socket up. What it took to send is still sent, in the background; unread bytes are dropped.
    fn close(&self, socket: Socket);

    /// Gives a TCP connection up at once: the peer sees a reset.
    fn abort(&self, socket: Socket);

    /// What could be done with the socket now.
    fn readiness(&self, socket: Socket) -> Readiness;

    /// Has `told` called with what `socket` may have become ready for: where bytes, a datagram, a connection or an end
    /// arrived, where it failed, and where there is room to send after there was none. What it was ready for before is not
    /// told. `None` ends it, and so does closing the socket; a socket that has one and a poller tells both.
    ///
    /// `told` is called while the stack works. It notes what it is told, or wakes a thread; it calls nothing of the stack.
    fn notify(&self, socket: Socket, told: Option<Told>) -> Result<(), SocketError>;

    /// A new poller, watching nothing.
    fn poller(&self) -> Poller;

    /// Has `poller` watch `socket` for `interest`; replaces what it was told before. An empty interest ends it; so
    /// does closing the socket. A socket is watched by one poller at a time.
    fn watch(
        &self,
        poller: Poller,
        socket: Socket,
        interest: Readiness,
        token: usize,
    ) -> Result<(), SocketError>;

    /// Suspends the running thread until a watched socket is ready as asked for, or `deadline`. Fills `events` from
    /// its start and says how many; 0 after the deadline. A socket is told again as long as it is ready
    /// (level-triggered). The cost grows with the ready sockets, not with the watched ones.
    fn wait(&self, poller: Poller, events: &mut [Event], deadline: Option<Instant>) -> usize;

    /// The addresses of a host name. Suspends the running thread while the servers are asked.
    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError>;
}
