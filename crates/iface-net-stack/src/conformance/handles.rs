//! Handles of sockets that are closed, or of another kind.

use alloc::rc::Rc;

use super::{BACKLOG, Fixture};
use crate::{NetStack, OpenError, Readiness, Socket, SocketError};

pub(super) fn all<S: NetStack>(fixture: &Fixture<'_, S>) {
    a_closed_handle_stays_closed(fixture);
    operations_are_for_their_kind(fixture);
    a_handle_never_given_is_closed(fixture);
}

/// Every operation on `socket` says that it is closed.
fn is_closed<S: NetStack>(stack: S, socket: Socket) {
    let somewhere = "127.0.0.1:9".parse().expect("an address");
    let closed = Some(SocketError::Closed);
    assert_eq!(stack.tcp_accept(socket).err(), closed);
    assert_eq!(stack.recv(socket, &mut [0]).err(), closed);
    assert_eq!(stack.send(socket, b"x").err(), closed);
    assert_eq!(stack.shutdown(socket).err(), closed);
    assert_eq!(stack.send_to(socket, b"x", somewhere).err(), closed);
    assert_eq!(stack.recv_from(socket, &mut [0]).err(), closed);
    assert_eq!(stack.local(socket).err(), closed);
    assert_eq!(stack.progress(socket).err(), closed);
    assert_eq!(stack.tcp_listen_at(socket, 1), Err(OpenError::Closed));
    assert_eq!(stack.tcp_connect_from(socket, somewhere), Err(OpenError::Closed));
    assert_eq!(stack.notify(socket, Some(Rc::new(|_| ()))).err(), closed);
    assert_eq!(stack.watch(stack.poller(), socket, Readiness::BOTH, 0).err(), closed);
    stack.close(socket);
    stack.abort(socket);
}

fn a_closed_handle_stays_closed<S: NetStack>(fixture: &Fixture<'_, S>) {
    let (client, server) = fixture.connection();
    fixture.client.close(client);
    is_closed(fixture.client, client);
    fixture.server.close(server);
    let newer: [_; 3] = core::array::from_fn(|_| fixture.listener(BACKLOG).0);
    for socket in newer {
        assert!(socket != server && socket != client, "a handle is never given twice");
    }
    is_closed(fixture.server, server);
    for socket in newer {
        assert!(fixture.server.local(socket).is_ok(), "an old handle does nothing to a newer one");
        fixture.server.close(socket);
    }
}

fn operations_are_for_their_kind<S: NetStack>(fixture: &Fixture<'_, S>) {
    let closed = Some(SocketError::Closed);
    let (listener, address) = fixture.listener(BACKLOG);
    assert_eq!(fixture.server.recv(listener, &mut [0]).err(), closed);
    assert_eq!(fixture.server.send(listener, b"x").err(), closed);
    assert_eq!(fixture.server.recv_from(listener, &mut [0]).err(), closed);
    fixture.server.close(listener);

    let (client, server) = fixture.connection();
    assert_eq!(fixture.client.tcp_accept(client).err(), closed);
    assert_eq!(fixture.client.send_to(client, b"x", address).err(), closed);
    assert_eq!(fixture.client.recv_from(client, &mut [0]).err(), closed);
    fixture.client.close(client);
    fixture.server.close(server);

    let (socket, _) = fixture.at_free_port(|port| fixture.server.udp_bind((fixture.address, port).into()));
    assert_eq!(fixture.server.tcp_accept(socket).err(), closed);
    assert_eq!(fixture.server.send(socket, b"x").err(), closed);
    assert_eq!(fixture.server.recv(socket, &mut [0]).err(), closed);
    assert_eq!(fixture.server.shutdown(socket).err(), closed);
    fixture.server.close(socket);
}

fn a_handle_never_given_is_closed<S: NetStack>(fixture: &Fixture<'_, S>) {
    is_closed(fixture.client, Socket { index: 1 << 30, generation: 0 });
    is_closed(fixture.client, Socket { index: u32::MAX, generation: u32::MAX });
}
