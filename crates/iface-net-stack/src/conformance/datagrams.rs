//! UDP.

use alloc::vec;

use super::Fixture;
use crate::{NetStack, Socket, SocketAddr, SocketError};

pub(super) fn all<S: NetStack>(fixture: &Fixture<'_, S>) {
    datagrams_keep_their_bounds_and_sender(fixture);
    a_datagram_longer_than_the_buffer_is_cut(fixture);
    an_empty_datagram_arrives(fixture);
    too_long_a_datagram_is_refused(fixture);
    nobody_at_the_port_of_a_peer_is_told(fixture);
}

/// The client's socket with its address, and the server's with where it is reached.
fn sockets<S: NetStack>(fixture: &Fixture<'_, S>) -> (Socket, Socket, SocketAddr) {
    let (server, port) = fixture.at_free_port(|port| fixture.server.udp_bind((fixture.address, port).into()));
    let any = if fixture.address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let client = fixture.client.udp_bind(any.parse().expect("an address")).expect("port 0 picks a free one");
    assert_ne!(fixture.client.local(client).map(|local| local.port()), Ok(0));
    (client, server, (fixture.address, port).into())
}

fn close<S: NetStack>(fixture: &Fixture<'_, S>, client: Socket, server: Socket) {
    fixture.client.close(client);
    fixture.server.close(server);
}

fn receive<S: NetStack>(fixture: &Fixture<'_, S>, socket: Socket, buffer: &mut [u8]) -> (usize, SocketAddr) {
    fixture.retry("a datagram", || fixture.server.recv_from(socket, buffer)).expect("a datagram arrives")
}

fn datagrams_keep_their_bounds_and_sender<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (client, server, remote) = sockets(fixture);
    let mut buffer = [0; 64];
    assert_eq!(fixture.server.recv_from(server, &mut buffer).err(), Some(SocketError::WouldBlock));
    for bytes in [&b"first"[..], b"second"] {
        fixture.retry("send", || fixture.client.send_to(client, bytes, remote)).expect("it is sent");
        let (length, sender) = receive(fixture, server, &mut buffer);
        assert_eq!(&buffer[..length], bytes);
        assert_eq!(Ok(sender.port()), fixture.client.local(client).map(|local| local.port()));
    }
    close(fixture, client, server);
}

fn a_datagram_longer_than_the_buffer_is_cut<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (client, server, remote) = sockets(fixture);
    for bytes in [&b"123456789"[..], b"abc"] {
        fixture.retry("send", || fixture.client.send_to(client, bytes, remote)).expect("it is sent");
    }
    let mut buffer = [0; 4];
    assert_eq!(receive(fixture, server, &mut buffer).0, 4);
    assert_eq!(&buffer, b"1234");
    assert_eq!(receive(fixture, server, &mut buffer).0, 3, "the rest of the first is gone");
    close(fixture, client, server);
}

fn an_empty_datagram_arrives<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (client, server, remote) = sockets(fixture);
    fixture.retry("send", || fixture.client.send_to(client, b"", remote)).expect("it is sent");
    assert_eq!(receive(fixture, server, &mut [0; 4]).0, 0);
    close(fixture, client, server);
}

fn too_long_a_datagram_is_refused<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (client, server, remote) = sockets(fixture);
    let sent = fixture.client.send_to(client, &vec![0; 70_000], remote);
    assert_eq!(sent, Err(SocketError::TooLong));
    close(fixture, client, server);
}

fn nobody_at_the_port_of_a_peer_is_told<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (client, server, remote) = sockets(fixture);
    fixture.server.close(server);
    assert_eq!(fixture.client.udp_connect(client, Some(remote)), Ok(()));
    fixture.retry("send", || fixture.client.send_to(client, b"x", remote)).expect("it is sent");
    let told = fixture.retry("a refusal", || fixture.client.recv_from(client, &mut [0; 4]));
    assert_eq!(told, Err(SocketError::Refused));
    assert_eq!(
        fixture.client.recv_from(client, &mut [0; 4]),
        Err(SocketError::WouldBlock),
        "it is told once"
    );
    // One without a peer hears of none.
    assert_eq!(fixture.client.udp_connect(client, None), Ok(()));
    fixture.retry("send", || fixture.client.send_to(client, b"x", remote)).expect("it is sent");
    fixture.rest();
    assert_eq!(fixture.client.recv_from(client, &mut [0; 4]), Err(SocketError::WouldBlock));
    fixture.client.close(client);
}
