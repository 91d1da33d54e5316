//! Addresses that cannot be had, and names.

use super::{BACKLOG, Fixture};
use crate::{Binding, NetStack, OpenError, ResolveError, SocketAddr};

/// Of a block that is for documentation alone (RFC 5737, section 3), so no stack's own.
const FOREIGN: &str = "192.0.2.1:7";

pub(super) fn all<S: NetStack>(fixture: &Fixture<'_, S>) {
    the_stack_has_the_address(fixture);
    an_address_is_given_once(fixture);
    a_foreign_address_is_refused(fixture);
    what_is_no_name_is_told(fixture);
}

fn the_stack_has_the_address<S: NetStack>(fixture: &Fixture<'_, S>) {
    let addresses = fixture.server.addresses();
    let unspecified = addresses.iter().any(|(address, _)| address.is_unspecified());
    assert!(!unspecified, "{addresses:?}");
    for (address, prefix) in &addresses {
        assert!(*prefix <= if address.is_ipv4() { 32 } else { 128 }, "{addresses:?}");
    }
    if !fixture.address.is_loopback() {
        assert!(addresses.iter().any(|(address, _)| *address == fixture.address), "{addresses:?}");
    }
}

fn an_address_is_given_once<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (listener, address) = fixture.listener(BACKLOG);
    assert_eq!(fixture.server.tcp_listen(address, BACKLOG), Err(OpenError::AddressInUse));
    fixture.server.close(listener);
    let again = fixture.server.tcp_listen(address, BACKLOG).expect("a closed listener frees its address");
    fixture.server.close(again);

    let (socket, port) = fixture.at_free_port(|port| fixture.server.udp_bind((fixture.address, port).into()));
    let address = Binding::from((fixture.address, port));
    assert_eq!(fixture.server.udp_bind(address), Err(OpenError::AddressInUse));
    fixture.server.close(socket);
    let again = fixture.server.udp_bind(address).expect("a closed socket frees its address");
    fixture.server.close(again);
}

fn a_foreign_address_is_refused<S: NetStack>(fixture: &Fixture<'_, S>) {
    let foreign: SocketAddr = FOREIGN.parse().expect("an address");
    assert_eq!(fixture.server.udp_bind(foreign.into()), Err(OpenError::AddressNotAvailable));
    assert_eq!(fixture.server.tcp_listen(foreign, BACKLOG), Err(OpenError::AddressNotAvailable));
}

fn what_is_no_name_is_told<S: NetStack>(fixture: &Fixture<'_, S>) {
    let long = "a.".repeat(200);
    for name in ["", ".", "a..b", "two words", &long, &"x".repeat(64)] {
        assert_eq!(fixture.client.resolve(name), Err(ResolveError::InvalidName), "{name:?}");
    }
}
