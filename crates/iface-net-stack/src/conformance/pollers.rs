//! Pollers.

use alloc::vec::Vec;

use super::{BACKLOG, Fixture, QUIET, receive_all, send_all};
use crate::{Event, NetStack, Poller, Readiness, Socket};

pub(super) fn all<S: NetStack>(fixture: &Fixture<'_, S>) {
    nothing_watched_waits_for_the_deadline(fixture);
    a_listener_is_told_until_it_is_accepted(fixture);
    readiness_is_what_was_asked_for(fixture);
    data_is_told_again_until_it_is_read(fixture);
    an_end_is_readable(fixture);
    a_reset_is_told(fixture);
    only_ready_sockets_are_told(fixture);
    watching_ends(fixture);
    a_socket_is_watched_by_one_poller(fixture);
    more_ready_than_room_are_told_in_parts(fixture);
    datagrams_are_told(fixture);
}

fn token(token: usize, ready: Readiness) -> Event {
    Event { token, ready }
}

/// What `poller` tells within [`QUIET`].
fn told<S: NetStack>(fixture: &Fixture<'_, S>, poller: Poller) -> Vec<Event> {
    let mut events = [Event::default(); 16];
    let count = fixture.server.wait(poller, &mut events, Some((fixture.now)() + QUIET));
    let mut events = events[..count].to_vec();
    events.sort_by_key(|event| event.token);
    events
}

/// What `poller` tells when it tells something.
fn awaited<S: NetStack>(fixture: &Fixture<'_, S>, poller: Poller) -> Vec<Event> {
    fixture.until("an event", || Some(told(fixture, poller)).filter(|events| !events.is_empty()))
}

fn watch<S: NetStack>(
    fixture: &Fixture<'_, S>,
    poller: Poller,
    socket: Socket,
    interest: Readiness,
    token: usize,
) {
    fixture.server.watch(poller, socket, interest, token).expect("an open socket can be watched");
}

fn nothing_watched_waits_for_the_deadline<S: NetStack>(fixture: &Fixture<'_, S>) {
    let start = (fixture.now)();
    assert_eq!(told(fixture, fixture.server.poller()), []);
    assert!((fixture.now)() >= start + QUIET, "a wait does not end before its deadline");
    assert_eq!(fixture.server.wait(fixture.server.poller(), &mut [Event::default()], Some(start)), 0);
}

fn a_listener_is_told_until_it_is_accepted<S: NetStack>(fixture: &Fixture<'_, S>) {
    let poller = fixture.server.poller();
    let (listener, remote) = fixture.listener(BACKLOG);
    watch(fixture, poller, listener, Readiness::READABLE, 7);
    assert_eq!(told(fixture, poller), []);
    let client = fixture.connect(remote);
    for _ in 0..3 {
        assert_eq!(awaited(fixture, poller), [token(7, Readiness::READABLE)]);
    }
    assert!(fixture.server.readiness(listener).readable);
    let (server, _) = fixture.accept(listener);
    assert_eq!(told(fixture, poller), []);
    assert!(!fixture.server.readiness(listener).readable);
    fixture.client.close(client);
    fixture.server.close(server);
    fixture.server.close(listener);
}

fn readiness_is_what_was_asked_for<S: NetStack>(fixture: &Fixture<'_, S>) {
    let poller = fixture.server.poller();
    let (client, server) = fixture.connection();
    watch(fixture, poller, server, Readiness::BOTH, 1);
    assert_eq!(awaited(fixture, poller), [token(1, Readiness::WRITABLE)]);
    assert_eq!(fixture.server.readiness(server), Readiness::WRITABLE);
    watch(fixture, poller, server, Readiness::READABLE, 2);
    assert_eq!(told(fixture, poller), []);
    send_all(fixture, fixture.client, client, b"x");
    assert_eq!(awaited(fixture, poller), [token(2, Readiness::READABLE)]);
    watch(fixture, poller, server, Readiness::BOTH, 3);
    assert_eq!(awaited(fixture, poller), [token(3, Readiness::BOTH)]);
    assert_eq!(fixture.server.readiness(server), Readiness::BOTH);
    fixture.client.close(client);
    fixture.server.close(server);
}

fn data_is_told_again_until_it_is_read<S: NetStack>(fixture: &Fixture<'_, S>) {
    let poller = fixture.server.poller();
    let (client, server) = fixture.connection();
    watch(fixture, poller, server, Readiness::READABLE, 5);
    send_all(fixture, fixture.client, client, b"ab");
    for _ in b"ab" {
        assert_eq!(awaited(fixture, poller), [token(5, Readiness::READABLE)]);
        receive_all(fixture, fixture.server, server, &mut [0]);
    }
    assert_eq!(told(fixture, poller), []);
    fixture.client.close(client);
    fixture.server.close(server);
}

fn an_end_is_readable<S: NetStack>(fixture: &Fixture<'_, S>) {
    let poller = fixture.server.poller();
    let (client, server) = fixture.connection();
    watch(fixture, poller, server, Readiness::READABLE, 4);
    fixture.client.shutdown(client).expect("a connection can be shut down");
    assert_eq!(awaited(fixture, poller), [token(4, Readiness::READABLE)]);
    fixture.client.close(client);
    fixture.server.close(server);
}

fn a_reset_is_told<S: NetStack>(fixture: &Fixture<'_, S>) {
    let poller = fixture.server.poller();
    for interest in [Readiness::READABLE, Readiness::BOTH] {
        let (client, server) = fixture.connection();
        fixture.client.abort(client);
        fixture.until("a reset", || fixture.server.readiness(server).readable.then_some(()));
        watch(fixture, poller, server, interest, 4);
        assert_eq!(
            awaited(fixture, poller),
            [token(4, interest)],
            "a reset counts as all that was asked for"
        );
        fixture.server.close(server);
    }
}

fn only_ready_sockets_are_told<S: NetStack>(fixture: &Fixture<'_, S>) {
    let poller = fixture.server.poller();
    let pairs: [_; 6] = core::array::from_fn(|_| fixture.connection());
    for (token, (_, server)) in pairs.iter().enumerate() {
        watch(fixture, poller, *server, Readiness::READABLE, token);
    }
    for at in [1, 4] {
        send_all(fixture, fixture.client, pairs[at].0, b"x");
        fixture.until("data", || fixture.server.readiness(pairs[at].1).readable.then_some(()));
    }
    let ready = [token(1, Readiness::READABLE), token(4, Readiness::READABLE)];
    assert_eq!(awaited(fixture, poller), ready);
    for (client, server) in pairs {
        fixture.client.close(client);
        fixture.server.close(server);
    }
    assert_eq!(told(fixture, poller), []);
}

fn watching_ends<S: NetStack>(fixture: &Fixture<'_, S>) {
    let poller = fixture.server.poller();
    let (client, server) = fixture.connection();
    watch(fixture, poller, server, Readiness::BOTH, 1);
    assert_eq!(awaited(fixture, poller), [token(1, Readiness::WRITABLE)]);
    watch(fixture, poller, server, Readiness::NONE, 1);
    send_all(fixture, fixture.client, client, b"x");
    assert_eq!(told(fixture, poller), [], "an empty interest ends watching");
    fixture.client.abort(client);
    assert_eq!(told(fixture, poller), [], "also for errors");
    watch(fixture, poller, server, Readiness::BOTH, 1);
    assert_eq!(awaited(fixture, poller).len(), 1);
    fixture.server.close(server);
    assert_eq!(told(fixture, poller), [], "a closed socket is watched no longer");
}

fn a_socket_is_watched_by_one_poller<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (first, second) = (fixture.server.poller(), fixture.server.poller());
    assert_ne!(first, second);
    let (client, server) = fixture.connection();
    watch(fixture, first, server, Readiness::WRITABLE, 1);
    watch(fixture, second, server, Readiness::WRITABLE, 2);
    assert_eq!(awaited(fixture, second), [token(2, Readiness::WRITABLE)]);
    assert_eq!(told(fixture, first), []);
    fixture.client.close(client);
    fixture.server.close(server);
}

fn more_ready_than_room_are_told_in_parts<S: NetStack>(fixture: &Fixture<'_, S>) {
    let poller = fixture.server.poller();
    let pairs: [_; 4] = core::array::from_fn(|_| fixture.connection());
    for (token, (_, server)) in pairs.iter().enumerate() {
        watch(fixture, poller, *server, Readiness::WRITABLE, token);
    }
    let mut seen = Vec::new();
    while seen.len() < pairs.len() {
        let mut event = [Event::default()];
        let count = fixture.server.wait(poller, &mut event, Some((fixture.now)() + super::PATIENCE));
        assert_eq!(count, 1, "a watched socket is ready");
        assert!(!seen.contains(&event[0].token), "what is watched no longer is not told");
        seen.push(event[0].token);
        watch(fixture, poller, pairs[event[0].token].1, Readiness::NONE, 0);
    }
    for (client, server) in pairs {
        fixture.client.close(client);
        fixture.server.close(server);
    }
}

fn datagrams_are_told<S: NetStack>(fixture: &Fixture<'_, S>) {
    let poller = fixture.server.poller();
    let (server, port) = fixture.at_free_port(|port| fixture.server.udp_bind((fixture.address, port).into()));
    watch(fixture, poller, server, Readiness::READABLE, 9);
    assert_eq!(told(fixture, poller), []);
    let any = if fixture.address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let client = fixture.client.udp_bind(any.parse().expect("an address")).expect("port 0 picks a free one");
    let remote = (fixture.address, port).into();
    fixture.retry("send", || fixture.client.send_to(client, b"x", remote)).expect("it is sent");
    for _ in 0..2 {
        assert_eq!(awaited(fixture, poller), [token(9, Readiness::READABLE)]);
    }
    fixture.server.recv_from(server, &mut [0; 4]).expect("a datagram is there");
    assert_eq!(told(fixture, poller), []);
    fixture.client.close(client);
    fixture.server.close(server);
}
