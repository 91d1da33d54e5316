//! What a request and its answer cost the stack, with few and with many connections open.
//!
//! `cargo bench -p tcpip` prints nanoseconds. Instructions, the stack's and this small server's alone:
//!
//! ```sh
//! valgrind --tool=callgrind --toggle-collect='requests::serve*' target/release/deps/requests-* 3000 300
//! ```
//!
//! The numbers are the connections and the rounds of [`WAVE`] requests.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant as Wall};

use iface_clock::{Clock, Instant};
use iface_entropy::{Entropy, EntropyError};
use iface_events::{Events, Handler, Source, SubscribeError};
use iface_net_device::{Checksums, NetDevice, TransmitError};
use iface_net_stack::{Event, NetStack, Poller, Readiness, Socket};
use iface_platform::{CommandLine, ExitStatus, Platform};
use iface_scheduler::{Scheduler, SpawnError, ThreadId, Wakeup};
use tcpip::{Config, CongestionControl, Needs};

/// Requests that are under way at once.
const WAVE: usize = 30;
const REQUEST: [u8; 90] = [b'q'; 90];
const ANSWER: [u8; 850] = [b'a'; 850];

const CLIENT: [u8; 6] = [2, 0, 0, 0, 0, 2];
const SERVER: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// Is asked how much memory there is, and has none.
static MEMORY: alloc_talc::Provider = alloc_talc::Provider::new(&alloc_talc::Config {});

static CONFIG: Config = Config {
    address: Some("10.0.0.1/8"),
    gateway: None,
    address6: None,
    gateway6: None,
    dns: &[],
    dhcp: false,
    dhcp_timeout_s: 1,
    ipv6: true,
    sockets: 20_000,
    backlog: 1024,
    tcp_receive_buffer_kib: 16,
    tcp_send_buffer_kib: 16,
    tcp_send_buffer_most_kib: 16,
    udp_datagrams: 4,
    udp_buffer_kib: 2,
    nagle: false,
    ack_delay_ms: 10,
    congestion_control: CongestionControl::Reno,
    keep_alive_s: Some(7200),
    dead_peer_s: 120,
    linger_s: 60,
};

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let rounds = numbers.get(1).copied().unwrap_or(2000);
    for connections in numbers.first().map_or(vec![30, 3000], |one| vec![*one]) {
        measure(connections, rounds);
    }
}

fn measure(connections: usize, rounds: usize) {
    let wire = Rc::new(Wire::default());
    let machine: &'static Machine = Box::leak(Box::new(Machine(Wall::now())));
    let needs = Needs {
        allocator: &MEMORY,
        clock: machine,
        entropy: machine,
        events: machine,
        net_device: Card(Rc::clone(&wire)),
        platform: machine,
        scheduler: machine,
    };
    let stack = tcpip::init(&CONFIG, needs).expect("the stack starts").net_stack;
    let mut server = Server::new(stack);
    let mut clients = connect(&mut server, &wire, connections);
    let mut served = Duration::ZERO;
    for round in 0..rounds {
        for index in 0..WAVE {
            let client = &mut clients[(round * WAVE + index) % connections];
            wire.to_server(client.segment(PSH | ACK, &REQUEST));
        }
        let begin = Wall::now();
        serve(&mut server);
        served += begin.elapsed();
        for frame in wire.to_client.take() {
            clients[port_of(&frame) - FIRST_PORT].take(&frame);
        }
    }
    let answers = rounds * WAVE;
    assert_eq!(clients.iter().map(|client| client.answered).sum::<usize>(), answers * ANSWER.len());
    let each = served.as_nanos() / answers as u128;
    println!("{connections} connections: {each} ns a request, {answers} requests");
}

/// Answers everything there is.
#[inline(never)]
fn serve<N: NetStack>(server: &mut Server<N>) {
    while server.turn() {}
}

/// A server that answers each read with the same bytes.
struct Server<N> {
    stack: N,
    listener: Socket,
    poller: Poller,
    sockets: Vec<Socket>,
    events: [Event; 64],
}

impl<N: NetStack> Server<N> {
    const LISTENER: usize = usize::MAX;

    fn new(stack: N) -> Self {
        let listener = stack.tcp_listen(SocketAddr::from(([0; 4], 80)), 1024).expect("port 80 is free");
        let poller = stack.poller();
        stack.watch(poller, listener, Readiness::READABLE, Self::LISTENER).expect("a listener is watched");
        Self { stack, listener, poller, sockets: Vec::new(), events: [Event::default(); 64] }
    }

    fn turn(&mut self) -> bool {
        let count = self.stack.wait(self.poller, &mut self.events, Some(Instant::START));
        for event in &self.events[..count] {
            match event.token {
                Self::LISTENER => {
                    while let Ok((socket, _)) = self.stack.tcp_accept(self.listener) {
                        let token = self.sockets.len();
                        self.stack
                            .watch(self.poller, socket, Readiness::READABLE, token)
                            .expect("it is open");
                        self.sockets.push(socket);
                    }
                }
                token => {
                    let mut buffer = [0; 2048];
                    if self.stack.recv(self.sockets[token], &mut buffer) == Ok(REQUEST.len()) {
                        assert_eq!(self.stack.send(self.sockets[token], &ANSWER), Ok(ANSWER.len()));
                    }
                }
            }
        }
        count > 0
    }
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const PSH: u8 = 8;
const ACK: u8 = 16;
const FIRST_PORT: usize = 1024;

/// Opens connections as hosts beyond the wire would.
fn connect<N: NetStack>(server: &mut Server<N>, wire: &Wire, connections: usize) -> Vec<Client> {
    wire.to_server(arp_request());
    serve(server);
    let mut clients: Vec<Client> = (0..connections).map(Client::new).collect();
    for batch in clients.chunks_mut(WAVE) {
        let exchange = |server: &mut Server<N>, batch: &mut [Client], flags: u8| {
            batch.iter_mut().for_each(|client| wire.to_server(client.segment(flags, &[])));
            serve(server);
            for frame in wire.to_client.take() {
                let first = batch[0].port;
                if let Some(client) = port_of(&frame).checked_sub(first) {
                    batch[client].take(&frame);
                }
            }
        };
        exchange(server, batch, SYN);
        exchange(server, batch, ACK);
    }
    assert_eq!(server.sockets.len(), connections, "every connection is accepted");
    clients
}

/// The far end of one connection.
struct Client {
    port: usize,
    sequence: u32,
    acknowledgement: u32,
    answered: usize,
}

impl Client {
    fn new(index: usize) -> Self {
        Self { port: FIRST_PORT + index, sequence: 7, acknowledgement: 0, answered: 0 }
    }

    fn segment(&mut self, flags: u8, payload: &[u8]) -> Vec<u8> {
        let total = (40 + payload.len()) as u16;
        let mut frame = Vec::with_capacity(14 + usize::from(total));
        frame.extend(SERVER);
        frame.extend(CLIENT);
        frame.extend([8, 0, 0x45, 0]);
        frame.extend(total.to_be_bytes());
        frame.extend([0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1]);
        let sum =
            frame[14..34].chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum::<u32>();
        let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
        frame[24..26].copy_from_slice(&sum.to_be_bytes());
        frame.extend((self.port as u16).to_be_bytes());
        frame.extend(80u16.to_be_bytes());
        frame.extend(self.sequence.to_be_bytes());
        frame.extend(self.acknowledgement.to_be_bytes());
        frame.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        frame.extend(payload);
        self.sequence += payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        frame
    }

    fn take(&mut self, frame: &[u8]) {
        let number = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().expect("four bytes"));
        let payload = frame.len() - 34 - usize::from(frame[46] >> 4) * 4;
        self.answered += payload;
        self.acknowledgement = number(38) + payload as u32 + u32::from(frame[47] & (SYN | FIN) != 0);
    }
}

fn port_of(frame: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([frame[36], frame[37]]))
}

fn arp_request() -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(CLIENT);
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(CLIENT);
    frame.extend([10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1]);
    frame
}

/// Frames on their way.
#[derive(Default)]
struct Wire {
    to_server: RefCell<VecDeque<Vec<u8>>>,
    to_client: RefCell<Vec<Vec<u8>>>,
}

impl Wire {
    fn to_server(&self, frame: Vec<u8>) {
        self.to_server.borrow_mut().push_back(frame);
    }
}

/// The server's card. It does all checksums, as cards of virtual machines do.
struct Card(Rc<Wire>);

impl NetDevice for Card {
    type Frame = Vec<u8>;

    fn mac_address(&self) -> [u8; 6] {
        SERVER
    }

    fn mtu(&self) -> usize {
        1500
    }

    fn checksums(&self) -> Checksums {
        Checksums { receive: true, transmit: true }
    }

    fn source(&self) -> Source {
        Source(0)
    }

    fn acknowledge(&mut self) {}

    fn receive(&mut self) -> Option<Vec<u8>> {
        self.0.to_server.borrow_mut().pop_front()
    }

    fn recycle(&mut self, _: Vec<u8>) {}

    fn can_transmit(&mut self) -> bool {
        true
    }

    fn transmit<R>(&mut self, length: usize, fill: impl FnOnce(&mut [u8]) -> R) -> Result<R, TransmitError> {
        let mut frame = vec![0; length];
        let result = fill(&mut frame);
        if frame[12..14] == [8, 0] {
            self.0.to_client.borrow_mut().push(frame);
        }
        Ok(result)
    }

    fn flush(&mut self) {}

    fn arm(&mut self) -> bool {
        self.0.to_server.borrow().is_empty()
    }

    fn disarm(&mut self) {}
}

/// Everything else that the stack needs, as little of it as will do.
struct Machine(Wall);

impl Clock for &'static Machine {
    fn now(&self) -> Instant {
        Instant::START + self.0.elapsed()
    }

    fn wall_clock(&self) -> Option<Duration> {
        None
    }
}

impl Entropy for &'static Machine {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        buffer.fill(0x5a);
        Ok(())
    }
}

impl Events for &'static Machine {
    fn subscribe(&self, _: Source, _: Handler) -> Result<(), SubscribeError> {
        Ok(())
    }

    fn poll(&self) -> bool {
        false
    }

    fn wait(&self, _: Option<Instant>) {}
}

impl Platform for &'static Machine {
    fn command_line(&self) -> CommandLine<'static> {
        CommandLine::new("")
    }

    fn initrd(&self) -> Option<&'static [u8]> {
        None
    }

    fn exit(&self, status: ExitStatus) -> ! {
        std::process::exit(status.0.into())
    }
}

impl Scheduler for &'static Machine {
    fn spawn(&self, _: &'static str, _: Box<dyn FnOnce()>) -> Result<ThreadId, SpawnError> {
        Ok(ThreadId(1))
    }

    fn spawn_on(
        &self,
        name: &'static str,
        _: iface_scheduler::Stack,
        body: Box<dyn FnOnce()>,
    ) -> Result<ThreadId, SpawnError> {
        self.spawn(name, body)
    }

    fn exit(&self) -> ! {
        unreachable!("the stack's threads never end")
    }

    fn set_own(&self, _: usize, _: fn(usize)) {
        unreachable!("the stack's threads have no values of their own")
    }

    fn current(&self) -> ThreadId {
        ThreadId(0)
    }

    fn yield_now(&self) {}

    fn park(&self, _: Option<Instant>) -> Wakeup {
        Wakeup::TimedOut
    }

    fn unpark(&self, _: ThreadId) {}

    fn sleep_until(&self, _: Instant) {}
}
