//! TCP: connections, bytes, and their ends.

use alloc::{vec, vec::Vec};

use super::{BACKLOG, Fixture, receive_all, receive_end, send_all};
use crate::{NetStack, Socket, SocketError};

pub(super) fn all<S: NetStack>(fixture: &Fixture<'_, S>) {
    a_connection_has_two_addresses(fixture);
    bytes_go_both_ways(fixture);
    many_bytes_arrive_as_they_were_sent(fixture);
    a_sender_is_held_back_until_the_receiver_reads(fixture);
    shutdown_ends_one_direction(fixture);
    what_was_sent_before_a_close_arrives(fixture);
    unread_bytes_do_not_cost_the_answer(fixture);
    an_abort_is_a_reset_for_the_peer(fixture);
    a_port_without_listener_refuses(fixture);
    connections_are_accepted_in_their_order(fixture);
    connections_beyond_the_backlog_come_later(fixture);
}

fn a_connection_has_two_addresses<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (listener, remote) = fixture.listener(BACKLOG);
    assert_eq!(fixture.server.local(listener).map(|local| local.port()), Ok(remote.port()));
    let blocked = fixture.server.tcp_accept(listener).map(|_| ());
    assert_eq!(blocked, Err(SocketError::WouldBlock), "nobody connected");
    let client = fixture.connect(remote);
    let (server, peer) = fixture.accept(listener);
    assert_eq!(fixture.client.local(client), Ok(peer));
    assert_eq!(fixture.server.local(server), Ok(remote));
    fixture.server.close(listener);
    fixture.server.close(server);
    fixture.client.close(client);
}

fn bytes_go_both_ways<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (client, server) = fixture.connection();
    let blocked = fixture.server.recv(server, &mut [0; 16]);
    assert_eq!(blocked, Err(SocketError::WouldBlock), "nothing was sent");
    send_all(fixture, fixture.client, client, b"there");
    let mut bytes = [0; 5];
    receive_all(fixture, fixture.server, server, &mut bytes);
    assert_eq!(&bytes, b"there");
    send_all(fixture, fixture.server, server, b"and back");
    let mut bytes = [0; 8];
    receive_all(fixture, fixture.client, client, &mut bytes);
    assert_eq!(&bytes, b"and back");
    fixture.client.close(client);
    receive_end(fixture, fixture.server, server);
    fixture.server.close(server);
}

/// Bytes of which no two windows of a few hundred are equal.
fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn many_bytes_arrive_as_they_were_sent<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (client, server) = fixture.connection();
    let bytes = pattern(300_000);
    let (mut sent, mut received) = (0, Vec::new());
    while received.len() < bytes.len() {
        if sent < bytes.len() {
            match fixture.client.send(client, &bytes[sent..]) {
                Ok(length) => sent += length,
                Err(error) => assert_eq!(error, SocketError::WouldBlock),
            }
        }
        let mut buffer = [0; 4096];
        match fixture.server.recv(server, &mut buffer) {
            Ok(length) => received.extend_from_slice(&buffer[..length]),
            Err(error) => assert_eq!(error, SocketError::WouldBlock),
        }
        (fixture.step)();
    }
    assert!(received == bytes, "the bytes arrive in order and whole");
    fixture.client.close(client);
    fixture.server.close(server);
}

/// Sends sevens until neither the stack nor the peer's takes more, and says how many.
fn fill<S: NetStack>(fixture: &Fixture<'_, S>, socket: Socket) -> usize {
    let mut sent = 0;
    loop {
        match fixture.client.send(socket, &[7; 16_384]) {
            Ok(length) => sent += length,
            Err(error) => {
                assert_eq!(error, SocketError::WouldBlock);
                fixture.rest();
                if !fixture.client.readiness(socket).writable {
                    return sent;
                }
            }
        }
        assert!(sent < 1 << 28, "a peer that does not read takes no end of bytes");
    }
}

fn a_sender_is_held_back_until_the_receiver_reads<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (client, server) = fixture.connection();
    let sent = fill(fixture, client);
    let mut bytes = vec![0; sent];
    receive_all(fixture, fixture.server, server, &mut bytes);
    assert!(bytes.iter().all(|byte| *byte == 7), "nothing is lost by waiting");
    fixture.until("room to send", || fixture.client.readiness(client).writable.then_some(()));
    assert!(fixture.client.send(client, b"more").is_ok());
    fixture.client.close(client);
    fixture.server.close(server);
}

fn shutdown_ends_one_direction<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (client, server) = fixture.connection();
    send_all(fixture, fixture.client, client, b"question");
    fixture.client.shutdown(client).expect("a connection can be shut down");
    let mut bytes = [0; 8];
    receive_all(fixture, fixture.server, server, &mut bytes);
    assert_eq!(&bytes, b"question");
    receive_end(fixture, fixture.server, server);
    receive_end(fixture, fixture.server, server);
    send_all(fixture, fixture.server, server, b"answer");
    let mut bytes = [0; 6];
    receive_all(fixture, fixture.client, client, &mut bytes);
    assert_eq!(&bytes, b"answer");
    assert!(fixture.client.send(client, b"x").is_err(), "sending is over after a shutdown");
    fixture.client.close(client);
    fixture.server.close(server);
}

fn what_was_sent_before_a_close_arrives<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (client, server) = fixture.connection();
    let bytes = pattern(2000);
    send_all(fixture, fixture.client, client, &bytes);
    fixture.client.close(client);
    let mut received = vec![0; bytes.len()];
    receive_all(fixture, fixture.server, server, &mut received);
    assert!(received == bytes);
    receive_end(fixture, fixture.server, server);
    fixture.server.close(server);
}

fn unread_bytes_do_not_cost_the_answer<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (client, server) = fixture.connection();
    send_all(fixture, fixture.client, client, b"a question that nobody reads");
    fixture.until("a question", || fixture.server.readiness(server).readable.then_some(()));
    send_all(fixture, fixture.server, server, b"answer");
    fixture.server.close(server);
    fixture.rest();
    let mut bytes = [0; 6];
    receive_all(fixture, fixture.client, client, &mut bytes);
    assert_eq!(&bytes, b"answer");
    receive_end(fixture, fixture.client, client);
    fixture.client.close(client);
}

fn an_abort_is_a_reset_for_the_peer<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (client, server) = fixture.connection();
    fixture.client.abort(client);
    assert_eq!(fixture.client.recv(client, &mut [0; 16]), Err(SocketError::Closed));
    let end = fixture.retry("a reset", || fixture.server.recv(server, &mut [0; 16]));
    assert_eq!(end, Err(SocketError::Reset));
    fixture.server.close(server);
}

fn a_port_without_listener_refuses<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (listener, remote) = fixture.listener(BACKLOG);
    fixture.server.close(listener);
    let client = fixture.connect(remote);
    let refused = fixture.retry("a refusal", || fixture.client.recv(client, &mut [0; 16]));
    assert_eq!(refused, Err(SocketError::Refused));
    fixture.client.close(client);
}

fn connections_are_accepted_in_their_order<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (listener, remote) = fixture.listener(BACKLOG);
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let client = fixture.connect(remote);
            fixture.until("a connection", || fixture.client.readiness(client).writable.then_some(()));
            client
        })
        .collect();
    for client in clients {
        let (server, peer) = fixture.accept(listener);
        assert_eq!(fixture.client.local(client), Ok(peer));
        fixture.server.close(server);
        fixture.client.close(client);
    }
    fixture.server.close(listener);
}

fn connections_beyond_the_backlog_come_later<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (listener, remote) = fixture.listener(2);
    let clients: Vec<_> = (0..4).map(|_| fixture.connect(remote)).collect();
    fixture.rest();
    for _ in &clients {
        let (server, _) = fixture.accept(listener);
        send_all(fixture, fixture.server, server, b"served");
        fixture.server.close(server);
    }
    for client in clients {
        let mut bytes = [0; 6];
        receive_all(fixture, fixture.client, client, &mut bytes);
        assert_eq!(&bytes, b"served");
        fixture.client.close(client);
    }
    fixture.server.close(listener);
}
