//! The suite of the interface, on wires of several qualities.

use core::cell::Cell;

use iface_clock::Duration;
use iface_net_device::fake::WireConfig;
use iface_net_stack::conformance::{Fixture, all};

use super::world::World;
use crate::Config;

fn conforms(address: &str, quality: WireConfig) {
    let world = World::new();
    let (server, client, _) = world.pair(&Config::TEST, quality);
    all(&Fixture {
        server,
        address: address.parse().unwrap(),
        client,
        now: &|| world.now(),
        step: &|| world.step(),
        port: Cell::new(4000),
    });
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
