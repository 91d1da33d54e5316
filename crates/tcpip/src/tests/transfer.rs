//! Bytes that arrive whole over bad wires, and what connections leave behind.

use std::vec;
use std::vec::Vec;

use iface_net_device::{Checksums, fake::WireConfig};
use iface_net_stack::{Duration, NetStack, OpenError, Socket, SocketAddr, SocketError};
use proptest::prelude::*;

use super::fuzz::Random;
use super::world::{TestHandle, World};
use crate::Config;
use crate::stack::Handle;

const SERVER: &str = "10.0.0.1:80";

fn address() -> SocketAddr {
    SERVER.parse().unwrap()
}

/// A connection, by the sockets of the client and of the server.
pub fn connected(
    world: &World,
    server: TestHandle,
    client: TestHandle,
    listener: Socket,
) -> (Socket, Socket) {
    connected_at(address(), world, server, client, listener)
}

/// The same with a listener elsewhere.
pub fn connected_at(
    at: SocketAddr,
    world: &World,
    server: TestHandle,
    client: TestHandle,
    listener: Socket,
) -> (Socket, Socket) {
    let socket = client.tcp_connect(at).unwrap();
    for _ in 0..100_000 {
        match server.tcp_accept(listener) {
            Ok((accepted, _)) => return (socket, accepted),
            Err(error) => assert_eq!(error, SocketError::WouldBlock),
        }
        world.leap();
    }
    panic!("no connection");
}

/// Sends `bytes` one way and shuts down, and returns what arrived up to the end.
fn carry(world: &World, from: (TestHandle, Socket), to: (TestHandle, Socket), bytes: &[u8]) -> Vec<u8> {
    carry_to_reader(world, from, to, bytes, 3000)
}

/// The same, to a reader that takes at most `piece` bytes whenever something happens.
fn carry_to_reader(
    world: &World,
    from: (TestHandle, Socket),
    to: (TestHandle, Socket),
    bytes: &[u8],
    piece: usize,
) -> Vec<u8> {
    let (mut sent, mut received, mut buffer) = (0, Vec::new(), vec![0; piece]);
    loop {
        match from.0.send(from.1, &bytes[sent..]) {
            _ if sent == bytes.len() => {}
            Ok(length) => sent += length,
            Err(error) => assert_eq!(error, SocketError::WouldBlock),
        }
        if sent == bytes.len() {
            let _ = from.0.shutdown(from.1);
        }
        match to.0.recv(to.1, &mut buffer) {
            Ok(0) => return received,
            Ok(length) => received.extend(&buffer[..length]),
            Err(error) => assert_eq!(error, SocketError::WouldBlock),
        }
        world.leap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(debug_assertions) { 8 } else { 64 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_arrive_whole_over_a_bad_wire(
        seed in any::<u64>(),
        loss in 0u32..100,
        corruption in 0u32..60,
        duplication in 0u32..200,
        overtaking in 0u32..400,
        latency in 0u64..20,
        buffers in 2u32..64,
        nagle in any::<bool>(),
        length in 0usize..100_000,
        // Whether the cards cut long segments. They leave checksums out then, so that nothing may be damaged.
        cuts in any::<bool>(),
    ) {
        let world = World::new();
        let config = Config {
            tcp_receive_buffer_kib: buffers,
            tcp_send_buffer_kib: 66 - buffers,
            nagle,
            // Enough for many losses in a row, each of which doubles the time to the next try.
            dead_peer_s: 3600,
            ..Config::TEST
        };
        let quality = WireConfig {
            latency: Duration::from_millis(latency),
            checksums: Checksums { receive: cuts, transmit: cuts },
            longest_segments: if cuts { 65_549 } else { 0 },
            seed,
            ..WireConfig::default()
        };
        let (server, client, wire) = world.pair(&config, quality);
        let listener = server.tcp_listen(address(), 4).unwrap();
        let (out, back) = connected(world, server, client, listener);
        wire.configure(|quality| {
            quality.loss_per_mille = loss;
            quality.corruption_per_mille = if cuts { 0 } else { corruption };
            quality.duplication_per_mille = duplication;
            quality.overtaking_per_mille = overtaking;
        });
        let mut random = Random(seed);
        let bytes: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        prop_assert!(carry(world, (client, out), (server, back), &bytes) == bytes);
        prop_assert!(carry(world, (server, back), (client, out), &bytes) == bytes);
    }
}

#[test]
fn connections_come_and_go_without_leaving_anything() {
    let world = World::new();
    let config = Config { sockets: 8, ..Config::TEST };
    let (server, client, _) = world.pair(&config, WireConfig::default());
    let listener = server.tcp_listen(address(), 4).unwrap();
    for round in 0..3000 {
        let (out, back) = connected(world, server, client, listener);
        // Both ends are the first to close in turn, so both have connections in TIME-WAIT.
        if round % 2 == 0 {
            client.close(out);
            server.close(back);
        } else {
            server.close(back);
            client.close(out);
        }
        for _ in 0..8 {
            world.step();
        }
        assert!(server.0.engine.borrow().table.len() <= 3, "round {round}");
    }
    assert!(client.0.engine.borrow().time_wait.len() > 100, "the client's are remembered");
}

#[test]
fn a_transfer_soon_fills_the_send_buffer() {
    let world = World::new();
    let config = Config { tcp_receive_buffer_kib: 64, tcp_send_buffer_kib: 16, ..Config::TEST };
    let latency = Duration::from_millis(10);
    let (server, client, _) = world.pair(&config, WireConfig { latency, ..WireConfig::default() });
    let listener = server.tcp_listen(address(), 4).unwrap();
    let (out, back) = connected(world, server, client, listener);
    let bytes = vec![7; 1 << 20];
    let begin = world.now();
    assert!(carry_to_reader(world, (server, back), (client, out), &bytes, 1 << 16) == bytes);
    // 64 round trips with a full buffer of 16 KiB; slow start from 2 KiB takes four more, and the end its own.
    let round_trips = world.now().since(begin).as_millis() / 20;
    assert!((64..=72).contains(&round_trips), "{round_trips}");
}

#[test]
fn room_to_send_is_told_where_a_third_is_free() {
    let world = World::new();
    let (server, client, wire) = world.pair(&Config::TEST, WireConfig::default());
    let listener = server.tcp_listen(address(), 4).unwrap();
    let (_, back) = connected(world, server, client, listener);
    let is_writable = || server.readiness(back).writable;
    wire.configure(|quality| quality.loss_per_mille = 1000);
    assert_eq!(server.send(back, &[1; 5400]), Ok(5400));
    assert!(is_writable(), "2792 of 8192 bytes are free");
    assert_eq!(server.send(back, &[1; 100]), Ok(100));
    assert!(!is_writable() && !server.progress(back).unwrap().has_room);
    assert_eq!(server.send(back, &[1; 8192]), Ok(2692), "what is free can be had all the same");
    wire.configure(|quality| quality.loss_per_mille = 0);
    world.run_for(Duration::from_secs(10));
    assert!(is_writable() && server.progress(back).unwrap().has_room);
}

#[test]
fn a_listener_at_every_address_needs_no_ipv6() {
    let world = World::new();
    let (left, right) = iface_net_device::fake::wire(world.events, WireConfig::default());
    let config = Config { ipv6: false, ..Config::TEST };
    let server = Handle(world.stack(&config, "ip=10.0.0.1/24", left));
    let client = Handle(world.stack(&config, "ip=10.0.0.2/24", right));
    let listener = server.tcp_listen("[::]:80".parse().unwrap(), 4).unwrap();
    let (out, back) = connected(world, server, client, listener);
    assert_eq!(carry(world, (client, out), (server, back), b"over IPv4"), b"over IPv4");
}

#[test]
fn a_datagram_outlives_its_socket_while_its_neighbor_is_asked_for() {
    let world = World::new();
    let latency = Duration::from_millis(5);
    let (server, client, _) = world.pair(&Config::TEST, WireConfig { latency, ..WireConfig::default() });
    let inbox = server.udp_bind("10.0.0.1:99".parse().unwrap()).unwrap();
    let local: SocketAddr = "10.0.0.2:98".parse().unwrap();
    let mut buffer = [0; 9];
    for to in ["10.0.0.1:99", "10.0.0.77:99"] {
        let sender = client.udp_bind(local.into()).unwrap();
        client.send_to(sender, b"last word", to.parse().unwrap()).unwrap();
        client.close(sender);
        assert_eq!(client.send_to(sender, b"", to.parse().unwrap()), Err(SocketError::Closed));
        let again = client.udp_bind(local.into()).expect("the port is free at once");
        client.close(again);
    }
    // Long before the neighbor would be asked for again.
    world.run_for(Duration::from_millis(100));
    assert_eq!(server.recv_from(inbox, &mut buffer), Ok((9, local)));
    assert_eq!((&buffer, server.recv_from(inbox, &mut [0])), (b"last word", Err(SocketError::WouldBlock)));
    assert_eq!(client.0.engine.borrow().table.len(), 1, "one still asks for a host that is not there");
    world.run_for(Duration::from_secs(4));
    assert_eq!(client.0.engine.borrow().table.len(), 0);
    assert_eq!(client.0.engine.borrow().waiting(), 0);
}

#[test]
fn a_peer_that_vanished_is_told() {
    let world = World::new();
    let config = Config { dead_peer_s: 20, keep_alive_s: Some(50), ..Config::TEST };
    let (server, client, wire) = world.pair(&config, WireConfig::default());
    let listener = server.tcp_listen(address(), 4).unwrap();
    let (busy, idle) =
        (connected(world, server, client, listener), connected(world, server, client, listener));
    wire.configure(|quality| quality.loss_per_mille = 1000);
    server.send(busy.1, b"anybody?").unwrap();
    world.run_for(Duration::from_secs(19));
    assert_eq!(server.recv(busy.1, &mut [0]), Err(SocketError::WouldBlock));
    world.run_for(Duration::from_secs(3));
    assert_eq!(server.recv(busy.1, &mut [0]), Err(SocketError::TimedOut));
    assert_eq!(server.recv(idle.1, &mut [0]), Err(SocketError::WouldBlock));
    world.run_for(Duration::from_secs(150));
    assert_eq!(server.recv(idle.1, &mut [0]), Err(SocketError::TimedOut));
}

#[test]
fn a_silent_connection_lasts() {
    let world = World::new();
    let config = Config { dead_peer_s: 5, keep_alive_s: Some(60), ..Config::TEST };
    let (server, client, _) = world.pair(&config, WireConfig::default());
    let listener = server.tcp_listen(address(), 4).unwrap();
    let (out, back) = connected(world, server, client, listener);
    world.run_for(Duration::from_secs(3600));
    assert_eq!(carry(world, (client, out), (server, back), b"still here"), b"still here");
}

#[test]
fn an_orphan_ends_with_its_time() {
    let world = World::new();
    let config = Config { linger_s: 10, dead_peer_s: 100, ..Config::TEST };
    let (server, client, wire) = world.pair(&config, WireConfig::default());
    let listener = server.tcp_listen(address(), 4).unwrap();
    let (_, back) = connected(world, server, client, listener);
    wire.configure(|quality| quality.loss_per_mille = 1000);
    server.send(back, &vec![1; 4000]).unwrap();
    server.close(back);
    world.run_for(Duration::from_secs(9));
    assert_eq!(server.0.engine.borrow().table.len(), 2);
    world.run_for(Duration::from_secs(2));
    assert_eq!(server.0.engine.borrow().table.len(), 1);
}

#[test]
fn a_connection_that_memory_does_not_suffice_for_is_refused() {
    let world = World::new();
    let (server, client, _) = world.pair(&Config::TEST, WireConfig::default());
    let listener = server.tcp_listen(address(), 4).unwrap();
    // More than an address space holds.
    for stack in [server, client] {
        stack.0.engine.borrow_mut().limits.tuning.send_buffer = usize::MAX / 2;
    }
    assert_eq!(client.tcp_connect(address()), Err(OpenError::Exhausted));
    client.0.engine.borrow_mut().limits.tuning.send_buffer = 8192;
    let waiting = client.tcp_connect(address()).unwrap();
    world.run_for(Duration::from_secs(2));
    assert_eq!(server.tcp_accept(listener), Err(SocketError::WouldBlock));
    server.0.engine.borrow_mut().limits.tuning.send_buffer = 8192;
    world.run_for(Duration::from_secs(5));
    assert!(server.tcp_accept(listener).is_ok(), "the peer tried again");
    client.close(waiting);
}
