//! Sockets of TCP that have an address before they listen or connect, and share it.

use super::{BACKLOG, Fixture, receive_all, send_all};
use crate::{Binding, IpAddr, Ipv4Addr, Ipv6Addr, NetStack, OpenError, SocketError};

pub(super) fn all<S: NetStack>(fixture: &Fixture<'_, S>) {
    a_bound_socket_keeps_its_port_and_refuses(fixture);
    a_bound_socket_listens(fixture);
    a_bound_socket_connects_from_its_port(fixture);
    what_became_of_a_connection_is_told(fixture);
    an_address_is_shared_where_all_agree(fixture);
    both_versions_have_listeners_of_their_own(fixture);
}

fn a_bound_socket_keeps_its_port_and_refuses<S: NetStack>(fixture: &Fixture<'_, S>) {
    let bound = fixture.server.tcp_bind((fixture.address, 0).into()).expect("port 0 picks a free one");
    let local = fixture.server.local(bound).expect("a bound socket has an address");
    assert_ne!(local.port(), 0);
    let client = fixture.connect(local);
    let refused = fixture.retry("a refusal", || fixture.client.recv(client, &mut [0; 16]));
    assert_eq!(refused, Err(SocketError::Refused), "it does not listen");
    fixture.client.close(client);
    assert_eq!(fixture.server.send(bound, b"x"), Err(SocketError::Closed), "it is no connection");
    fixture.server.close(bound);
}

fn a_bound_socket_listens<S: NetStack>(fixture: &Fixture<'_, S>) {
    let bound = fixture.server.tcp_bind((fixture.address, 0).into()).expect("port 0 picks a free one");
    let local = fixture.server.local(bound).expect("a bound socket has an address");
    assert_eq!(fixture.server.tcp_listen_at(bound, BACKLOG), Ok(()));
    assert_eq!(fixture.server.tcp_listen_at(bound, BACKLOG), Err(OpenError::Closed), "it listens already");
    let taken = fixture.server.tcp_bind(local.into()).map(|_| ());
    assert_eq!(taken, Err(OpenError::AddressInUse));
    let client = fixture.connect(local);
    let (server, _) = fixture.accept(bound);
    assert_eq!(fixture.server.local(server), Ok(local));
    fixture.client.close(client);
    fixture.server.close(server);
    fixture.server.close(bound);
}

fn a_bound_socket_connects_from_its_port<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (listener, remote) = fixture.listener(BACKLOG);
    let any = if fixture.address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let client = fixture.client.tcp_bind(any.parse().expect("an address")).expect("port 0 picks a free one");
    let port = fixture.client.local(client).expect("a bound socket has an address").port();
    assert_eq!(fixture.client.tcp_connect_from(client, remote), Ok(()));
    let (server, peer) = fixture.accept(listener);
    assert_eq!(peer.port(), port);
    assert_eq!(fixture.client.local(client), Ok(peer));
    send_all(fixture, fixture.client, client, b"x");
    receive_all(fixture, fixture.server, server, &mut [0]);
    fixture.client.close(client);
    fixture.server.close(server);
    fixture.server.close(listener);
}

fn what_became_of_a_connection_is_told<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (client, server) = fixture.connection();
    let progress = || fixture.server.progress(server).expect("a connection tells how far it is");
    assert!(progress().is_established && !progress().has_ended && progress().has_room);
    send_all(fixture, fixture.client, client, b"abc");
    fixture.client.shutdown(client).expect("a connection can be shut down");
    fixture.until("the end", || progress().has_ended.then_some(()));
    assert!(progress().has_unread && progress().failure.is_none());
    assert_eq!(fixture.server.unread(server), 3);
    receive_all(fixture, fixture.server, server, &mut [0; 2]);
    assert!(progress().has_unread && fixture.server.unread(server) == 1);
    receive_all(fixture, fixture.server, server, &mut [0]);
    assert!(!progress().has_unread && fixture.server.unread(server) == 0);
    fixture.client.close(client);
    fixture.server.close(server);

    let (client, server) = fixture.connection();
    fixture.client.abort(client);
    let failure = || fixture.server.progress(server).expect("a connection tells how far it is").failure;
    let failure = fixture.until("a reset", failure);
    assert_eq!(failure, SocketError::Reset);
    assert_eq!(
        fixture.server.recv(server, &mut [0]),
        Err(SocketError::Reset),
        "who asked takes nothing away"
    );
    fixture.server.close(server);
}

fn an_address_is_shared_where_all_agree<S: NetStack>(fixture: &Fixture<'_, S>) {
    let shared = |address| Binding { shared: true, ..Binding::from(address) };
    let first = fixture.server.tcp_bind(shared((fixture.address, 0))).expect("port 0 picks a free one");
    let local = fixture.server.local(first).expect("a bound socket has an address");
    let address = (local.ip(), local.port());
    let second = fixture.server.tcp_bind(shared(address)).expect("both share");
    let listeners = [first, second];
    for listener in listeners {
        assert_eq!(fixture.server.tcp_listen_at(listener, 64), Ok(()));
    }
    assert_eq!(fixture.server.tcp_bind(local.into()), Err(OpenError::AddressInUse), "it does not share");
    // Any listener has a connection; with so many, hardly one has all.
    let clients: [_; 16] = core::array::from_fn(|_| fixture.connect(local));
    let mut accepted = [0, 0];
    fixture.until("all connections", || {
        for (listener, count) in listeners.iter().zip(&mut accepted) {
            while let Ok((server, _)) = fixture.server.tcp_accept(*listener) {
                fixture.server.close(server);
                *count += 1;
            }
        }
        (accepted.iter().sum::<usize>() == clients.len()).then_some(())
    });
    assert!(accepted.iter().all(|count| *count > 0), "{accepted:?}");
    clients.iter().for_each(|client| fixture.client.close(*client));
    listeners.iter().for_each(|listener| fixture.server.close(*listener));
}

fn both_versions_have_listeners_of_their_own<S: NetStack>(fixture: &Fixture<'_, S>) {
    let any6 = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    let any4 = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let first = fixture.server.tcp_bind((any4, 0).into()).expect("port 0 picks a free one");
    let port = fixture.server.local(first).expect("a bound socket has an address").port();
    let all = Binding::from((any6, port));
    assert_eq!(fixture.server.tcp_listen_at(first, BACKLOG), Ok(()));
    assert_eq!(fixture.server.tcp_bind(all), Err(OpenError::AddressInUse), "it takes IPv4 in");
    let second = match fixture.server.tcp_bind(Binding { ipv6_only: true, ..all }) {
        // A host without IPv6.
        Err(OpenError::AddressNotAvailable) => return fixture.server.close(first),
        bound => bound.expect("the versions do not meet"),
    };
    assert_eq!(fixture.server.tcp_listen_at(second, BACKLOG), Ok(()));
    let (own, other) = if fixture.address.is_ipv4() { (first, second) } else { (second, first) };
    let client = fixture.connect((fixture.address, port).into());
    let (server, _) = fixture.accept(own);
    assert_eq!(fixture.server.tcp_accept(other).err(), Some(SocketError::WouldBlock));
    fixture.client.close(client);
    [server, first, second].into_iter().for_each(|socket| fixture.server.close(socket));
}
