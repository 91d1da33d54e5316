//! Connections that nobody uses: what they take, and that they go on.

use core::mem::size_of;
use std::vec;
use std::vec::Vec;

use iface_net_device::fake::WireConfig;
use iface_net_stack::{Duration, NetStack, Readiness, Socket, SocketAddr, SocketError};
use proptest::prelude::*;

use super::fuzz::Random;
use super::transfer::{connected, connected_at};
use super::world::{TestHandle, World};
use crate::Config;
use crate::connection::Connection;
use crate::table::Slot;

/// Longer than a connection is quiet before it sleeps, and shorter than twice as long and more.
const PAUSE: Duration = Duration::from_secs(3);

fn address() -> SocketAddr {
    "10.0.0.1:80".parse().unwrap()
}

fn is_asleep(stack: TestHandle, socket: Socket) -> bool {
    let mut engine = stack.0.engine.borrow_mut();
    let number = engine.table.resolve(socket).unwrap();
    engine.table.connection(number).is_some_and(|connection| connection.is_asleep())
}

/// Sends `bytes` over a connection that stays open, and returns what arrives.
fn say(world: &World, from: (TestHandle, Socket), to: (TestHandle, Socket), bytes: &[u8]) -> Vec<u8> {
    let (mut sent, mut received, mut buffer) = (0, Vec::new(), vec![0; 3000]);
    while received.len() < bytes.len() {
        match from.0.send(from.1, &bytes[sent..]) {
            Ok(length) => sent += length,
            Err(error) => assert_eq!(error, SocketError::WouldBlock),
        }
        match to.0.recv(to.1, &mut buffer) {
            Ok(length) => received.extend(&buffer[..length]),
            Err(error) => assert_eq!(error, SocketError::WouldBlock),
        }
        world.leap();
    }
    received
}

#[test]
fn an_idle_connection_takes_less_than_half_a_kilobyte() {
    let world = World::new();
    let (server, client, _) = world.pair(&Config::TEST, WireConfig::default());
    let listener = server.tcp_listen(address(), 64).unwrap();
    let pairs: Vec<_> = (0..40).map(|_| connected(world, server, client, listener)).collect();
    for (out, back) in &pairs {
        assert_eq!(say(world, (client, *out), (server, *back), b"a request"), b"a request");
        assert!(!is_asleep(server, *back));
    }
    world.run_for(PAUSE);
    for (out, back) in &pairs {
        assert!(is_asleep(server, *back) && is_asleep(client, *out));
        assert_eq!(server.readiness(*back), Readiness { readable: false, writable: true });
        assert_eq!(server.recv(*back, &mut [0]), Err(SocketError::WouldBlock));
    }
    // Sleeping costs nothing: there is nobody left to look at.
    assert_eq!(server.0.engine.borrow().drowsy.len(), 0);
    let bytes = size_of::<Connection>() + size_of::<Slot>();
    assert!(bytes <= 448, "{bytes} bytes");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(debug_assertions) { 16 } else { 64 }, failure_persistence: None, ..ProptestConfig::default() })]

    /// Either end may speak first, over a wire on which also the first segment is lost.
    #[test]
    fn what_is_said_after_a_pause_arrives(
        seed: u64,
        loss in 0u32..200,
        ipv6: bool,
        buffers in 2u32..200,
        said in prop::collection::vec((any::<bool>(), 1usize..40_000, 0u64..4), 1..8),
    ) {
        let world = World::new();
        let config = Config { tcp_receive_buffer_kib: buffers, dead_peer_s: 3600, ..Config::TEST };
        let (server, client, wire) = world.pair(&config, WireConfig { seed, ..WireConfig::default() });
        let at: SocketAddr = if ipv6 { "[fd00::1]:80" } else { "10.0.0.1:80" }.parse().unwrap();
        let listener = server.tcp_listen(at, 4).unwrap();
        let (out, back) = connected_at(at, world, server, client, listener);
        wire.configure(|quality| quality.loss_per_mille = loss);
        let mut random = Random(seed);
        for (from_server, length, pause) in said {
            let bytes: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
            let (mut from, mut to) = ((client, out), (server, back));
            if from_server {
                (from, to) = (to, from);
            }
            prop_assert!(say(world, from, to, &bytes) == bytes);
            world.run_for(Duration::from_secs(pause));
        }
        world.run_for(Duration::from_secs(300));
        prop_assert!(is_asleep(server, back) && is_asleep(client, out));
    }
}

#[test]
fn a_silent_peer_is_asked_for_and_found_gone_in_its_time() {
    let world = World::new();
    let config = Config { keep_alive_s: Some(60), ..Config::TEST };
    let (server, client, wire) = world.pair(&config, WireConfig::default());
    let listener = server.tcp_listen(address(), 4).unwrap();
    let (_, back) = connected(world, server, client, listener);
    world.run_for(Duration::from_secs(90));
    wire.configure(|quality| quality.loss_per_mille = 1000);
    // Last heard of after 60 s.
    world.run_for(Duration::from_secs(145));
    assert_eq!(server.progress(back).unwrap().failure, None);
    world.run_for(Duration::from_secs(10));
    assert_eq!(server.progress(back).unwrap().failure, Some(SocketError::TimedOut));
}

#[test]
fn sleeping_connections_end_as_others_do() {
    let world = World::new();
    let (server, client, _) = world.pair(&Config::TEST, WireConfig::default());
    let listener = server.tcp_listen(address(), 4).unwrap();
    let pair = || {
        let pair = connected(world, server, client, listener);
        world.run_for(PAUSE);
        assert!(is_asleep(server, pair.1) && is_asleep(client, pair.0));
        pair
    };
    let (out, back) = pair();
    server.close(back);
    world.run_for(PAUSE);
    assert_eq!(client.recv(out, &mut [0]), Ok(0));
    client.close(out);
    let (out, back) = pair();
    server.abort(back);
    world.run_for(PAUSE);
    assert_eq!(client.recv(out, &mut [0]), Err(SocketError::Reset));
    client.close(out);
    let (out, back) = pair();
    client.shutdown(out).unwrap();
    world.run_for(PAUSE);
    assert_eq!(server.recv(back, &mut [0]), Ok(0));
    assert_eq!(say(world, (server, back), (client, out), b"the rest"), b"the rest");
    server.close(back);
    client.close(out);
    world.run_for(Duration::from_secs(60));
    assert_eq!((server.0.engine.borrow().table.len(), client.0.engine.borrow().table.len()), (1, 0));
}

/// More than an address space holds, so that there is no memory for a send buffer.
const TOO_MUCH: usize = usize::MAX / 2;

#[test]
fn connections_fall_asleep_at_once_for_one_that_memory_is_short_for() {
    let world = World::new();
    let (server, client, _) = world.pair(&Config::TEST, WireConfig::default());
    let listener = server.tcp_listen(address(), 4).unwrap();
    let (_, back) = connected(world, server, client, listener);
    world.run_for(Duration::from_millis(100));
    server.0.engine.borrow_mut().limits.tuning.send_buffer = TOO_MUCH;
    let (out, other) = connected(world, server, client, listener);
    assert!(is_asleep(server, back) && !is_asleep(server, other));
    assert_eq!(
        say(world, (server, other), (client, out), b"with the buffers of another"),
        b"with the buffers of another"
    );
}

#[test]
fn a_connection_that_memory_is_too_short_to_wake_is_not_ready_until_it_can_be() {
    let world = World::new();
    let (server, client, _) = world.pair(&Config::TEST, WireConfig::default());
    let listener = server.tcp_listen(address(), 4).unwrap();
    let (out, back) = connected(world, server, client, listener);
    world.run_for(PAUSE);
    server.0.engine.borrow_mut().limits.tuning.send_buffer = TOO_MUCH;
    server.0.engine.borrow_mut().spare.clear();
    assert_eq!(server.send(back, b"in vain"), Err(SocketError::WouldBlock));
    assert!(!server.readiness(back).writable);
    assert_eq!(client.send(out, b"sent again"), Ok(10));
    world.run_for(PAUSE);
    assert!(is_asleep(server, back));
    server.0.engine.borrow_mut().limits.tuning.send_buffer = 8192;
    world.run_for(Duration::from_secs(10));
    assert_eq!(server.recv(back, &mut [0; 20]), Ok(10));
    assert!(server.readiness(back).writable);
    // It can end without memory.
    world.run_for(PAUSE);
    server.0.engine.borrow_mut().limits.tuning.send_buffer = TOO_MUCH;
    server.0.engine.borrow_mut().spare.clear();
    server.close(back);
    world.run_for(PAUSE);
    assert_eq!(client.recv(out, &mut [0]), Ok(0));
}
