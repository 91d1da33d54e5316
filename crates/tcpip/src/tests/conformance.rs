//! The suite of the interface, on wires of several qualities.

use core::cell::Cell;
use std::boxed::Box;

use iface_clock::Duration;
use iface_net_device::fake::WireConfig;
use iface_net_stack::conformance::{Fixture, all};

use super::world::{TestHandle, World};
use crate::Config;

fn conforms(address: &str, quality: WireConfig) {
    let world = World::new();
    let (server, client, _) = world.pair(&Config::TEST, quality);
    all(&fixture(world, server, client, address));
}

fn conforms_with_itself(address: &str) {
    let world = World::new();
    let (stack, _, hand) = world.pair(&Config::TEST, WireConfig::default());
    world.run_for(Duration::from_secs(5));
    let before = hand.counters();
    all(&fixture(world, stack, stack, address));
    assert_eq!(hand.counters(), before, "what a host sends to itself is on no wire");
}

fn fixture(
    world: &'static World,
    server: TestHandle,
    client: TestHandle,
    address: &str,
) -> Fixture<'static, TestHandle> {
    Fixture {
        server,
        address: address.parse().unwrap(),
        client,
        now: Box::leak(Box::new(|| world.now())),
        step: Box::leak(Box::new(|| world.step())),
        port: Cell::new(4000),
    }
}

#[test]
fn over_ipv4() {
    conforms("10.0.0.1", WireConfig::default());
}

#[test]
fn over_ipv6() {
    conforms("fd00::1", WireConfig::default());
}

#[test]
fn over_a_slow_wire() {
    conforms("10.0.0.1", WireConfig { latency: Duration::from_millis(3), ..WireConfig::default() });
}

#[test]
fn with_itself_over_ipv4() {
    conforms_with_itself("127.0.0.1");
    conforms_with_itself("10.0.0.1");
}

#[test]
fn with_itself_over_ipv6() {
    conforms_with_itself("::1");
    conforms_with_itself("fd00::1");
}
