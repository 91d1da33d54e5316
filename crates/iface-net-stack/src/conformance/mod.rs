//! What every stack must do, for the tests of its providers.
//!
//! [`all`] drives two stacks that reach one another, or one that reaches itself, from a single thread.

mod addresses;
mod bound;
mod datagrams;
mod handles;
mod notices;
mod pollers;
mod streams;

use core::cell::Cell;

use crate::{Duration, Instant, IpAddr, NetStack, OpenError, Socket, SocketAddr, SocketError};

/// How long the suite waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the suite waits to see that nothing happens.
const QUIET: Duration = Duration::from_millis(30);
/// Connections that wait for an accept where a test does not say otherwise.
const BACKLOG: usize = 8;

/// Two ends of a network, which may be the same stack.
pub struct Fixture<'a, S> {
    /// Where servers listen.
    pub server: S,
    /// An address of `server` that `client` reaches.
    pub address: IpAddr,
    /// Where connections come from.
    pub client: S,
    /// Now, by the clock that deadlines are in.
    pub now: &'a dyn Fn() -> Instant,
    /// Lets packets travel and time pass: a millisecond or so, or until something arrives.
    pub step: &'a dyn Fn(),
    /// The next port to try; those above it should be free.
    pub port: Cell<u16>,
}

/// Runs all of the suite.
///
/// # Panics
/// Where a stack does not do as [`NetStack`] says.
pub fn all<S: NetStack>(fixture: &Fixture<'_, S>) {
    streams::all(fixture);
    datagrams::all(fixture);
    addresses::all(fixture);
    handles::all(fixture);
    bound::all(fixture);
    notices::all(fixture);
    pollers::all(fixture);
}

impl<S: NetStack> Fixture<'_, S> {
    /// Asks until the answer is not that it can't be given now.
    fn retry<T>(
        &self,
        what: &str,
        mut ask: impl FnMut() -> Result<T, SocketError>,
    ) -> Result<T, SocketError> {
        self.until(what, || match ask() {
            Err(SocketError::WouldBlock) => None,
            answer => Some(answer),
        })
    }

    fn until<T>(&self, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
        let deadline = (self.now)() + PATIENCE;
        loop {
            if let Some(value) = ask() {
                return value;
            }
            assert!((self.now)() < deadline, "{what}: waited {PATIENCE:?}");
            (self.step)();
        }
    }

    /// Lets [`QUIET`] pass.
    fn rest(&self) {
        let end = (self.now)() + QUIET;
        while (self.now)() < end {
            (self.step)();
        }
    }

    /// Opens something at a port that no one has.
    fn at_free_port(&self, open: impl Fn(u16) -> Result<Socket, OpenError>) -> (Socket, u16) {
        loop {
            let port = self.port.get();
            self.port.set(port.checked_add(1).expect("there are free ports"));
            match open(port) {
                Ok(socket) => return (socket, port),
                Err(OpenError::AddressInUse) => {}
                Err(error) => panic!("cannot open a socket at port {port}: {error}"),
            }
        }
    }

    /// A listener, and where it is reached.
    fn listener(&self, backlog: usize) -> (Socket, SocketAddr) {
        let (socket, port) =
            self.at_free_port(|port| self.server.tcp_listen((self.address, port).into(), backlog));
        (socket, (self.address, port).into())
    }

    fn connect(&self, remote: SocketAddr) -> Socket {
        self.client.tcp_connect(remote).expect("a connection can be begun")
    }

    fn accept(&self, listener: Socket) -> (Socket, SocketAddr) {
        self.retry("accept", || self.server.tcp_accept(listener)).expect("a connection is accepted")
    }

    /// Both ends of a connection, the client's first.
    fn connection(&self) -> (Socket, Socket) {
        let (listener, remote) = self.listener(BACKLOG);
        let client = self.connect(remote);
        let (server, _) = self.accept(listener);
        self.server.close(listener);
        (client, server)
    }
}

/// Sends all of `bytes`.
fn send_all<S: NetStack>(fixture: &Fixture<'_, S>, stack: S, socket: Socket, bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let sent = fixture.retry("send", || stack.send(socket, rest)).expect("bytes are sent");
        assert!((1..=rest.len()).contains(&sent), "send took {sent} of {} bytes", rest.len());
        rest = &rest[sent..];
    }
}

/// Fills `buffer` with received bytes.
fn receive_all<S: NetStack>(fixture: &Fixture<'_, S>, stack: S, socket: Socket, buffer: &mut [u8]) {
    let mut at = 0;
    while at < buffer.len() {
        let got =
            fixture.retry("recv", || stack.recv(socket, &mut buffer[at..])).expect("bytes are received");
        assert!(got > 0, "the stream ended after {at} bytes");
        at += got;
    }
}

/// Expects the end of the stream.
fn receive_end<S: NetStack>(fixture: &Fixture<'_, S>, stack: S, socket: Socket) {
    let end = fixture.retry("the end of the stream", || stack.recv(socket, &mut [0; 16]));
    assert_eq!(end, Ok(0), "the stream ends");
}
