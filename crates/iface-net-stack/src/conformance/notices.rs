//! Who is told of readiness without waiting for it.

use alloc::rc::Rc;
use core::cell::Cell;

use super::{BACKLOG, Fixture, receive_all, send_all};
use crate::{Duration, Event, NetStack, Poller, Readiness, Socket, SocketError};

/// How long the server's thread waits at a time, for something else than the sockets of these tests.
const WAIT: Duration = Duration::from_millis(2);

pub(super) fn all<S: NetStack>(fixture: &Fixture<'_, S>) {
    let listening = Listening { fixture, poller: fixture.server.poller() };
    listening.a_connection_to_accept_is_told();
    listening.what_arrives_is_told_each_time();
    listening.room_is_told_after_there_was_none();
    listening.an_end_and_a_reset_are_told();
    listening.a_datagram_is_told();
    listening.nobody_is_told_after_the_end();
}

/// What was told of a socket since somebody looked.
struct Ear(Rc<Cell<Readiness>>);

impl Ear {
    fn of<S: NetStack>(stack: S, socket: Socket) -> Self {
        let heard = Rc::new(Cell::new(Readiness::NONE));
        let ear = Self(Rc::clone(&heard));
        let told = move |news: Readiness| {
            let before = heard.get();
            heard.set(Readiness {
                readable: before.readable || news.readable,
                writable: before.writable || news.writable,
            });
        };
        stack.notify(socket, Some(Rc::new(told))).expect("an open socket can be told of");
        ear
    }
}

/// The tests' one thread, which waits at a poller that watches nothing: what is told is told by the stack itself.
struct Listening<'a, 'b, S> {
    fixture: &'a Fixture<'b, S>,
    poller: Poller,
}

impl<S: NetStack> Listening<'_, '_, S> {
    /// Lets the server's stack work.
    fn work(&self) {
        let deadline = (self.fixture.now)() + WAIT;
        self.fixture.server.wait(self.poller, &mut [Event::default()], Some(deadline));
    }

    fn hear(&self, what: &str, heard: impl Fn() -> bool) {
        self.fixture.until(what, || {
            self.work();
            heard().then_some(())
        });
    }

    /// Waits until all that is under way was told, and forgets it.
    fn settle(&self, ear: &Ear) {
        for _ in 0..20 {
            self.work();
        }
        ear.0.take();
    }

    fn a_connection_to_accept_is_told(&self) {
        let (listener, remote) = self.fixture.listener(BACKLOG);
        let ear = Ear::of(self.fixture.server, listener);
        for _ in 0..2 {
            self.settle(&ear);
            let client = self.fixture.connect(remote);
            self.hear("a connection", || ear.0.take().readable);
            let (server, _) = self.fixture.accept(listener);
            self.fixture.client.close(client);
            self.fixture.server.close(server);
        }
        self.fixture.server.close(listener);
    }

    fn what_arrives_is_told_each_time(&self) {
        let (client, server) = self.fixture.connection();
        let ear = Ear::of(self.fixture.server, server);
        // Bytes that lie there unread do not keep further ones from being told.
        for _ in 0..3 {
            self.settle(&ear);
            assert_eq!(ear.0.get(), Readiness::NONE, "nothing new is not told");
            send_all(self.fixture, self.fixture.client, client, b"a");
            self.hear("a byte", || ear.0.take().readable);
        }
        receive_all(self.fixture, self.fixture.server, server, &mut [0; 3]);
        self.fixture.client.close(client);
        self.fixture.server.close(server);
    }

    fn room_is_told_after_there_was_none(&self) {
        let (client, server) = self.fixture.connection();
        let ear = Ear::of(self.fixture.server, server);
        let mut sent = 0;
        // Full for good: what is on its way has arrived, and the peer takes no more.
        while self.fixture.server.readiness(server).writable {
            match self.fixture.server.send(server, &[7; 4096]) {
                Ok(length) => sent += length,
                Err(error) => assert_eq!(error, SocketError::WouldBlock),
            }
            if !self.fixture.server.readiness(server).writable {
                self.settle(&ear);
            }
        }
        let mut buffer = [0; 4096];
        self.fixture.until("room", || {
            while sent > 0
                && let Ok(got) = self.fixture.client.recv(client, &mut buffer)
            {
                sent -= got;
            }
            self.work();
            ear.0.take().writable.then_some(())
        });
        self.fixture.client.abort(client);
        self.fixture.server.close(server);
    }

    fn an_end_and_a_reset_are_told(&self) {
        for abort in [false, true] {
            let (client, server) = self.fixture.connection();
            let ear = Ear::of(self.fixture.server, server);
            self.settle(&ear);
            if abort {
                self.fixture.client.abort(client);
            } else {
                self.fixture.client.close(client);
            }
            self.hear("an end", || ear.0.take().readable);
            self.fixture.server.close(server);
        }
    }

    fn a_datagram_is_told(&self) {
        let fixture = self.fixture;
        let (server, port) =
            fixture.at_free_port(|port| fixture.server.udp_bind((fixture.address, port).into()));
        let ear = Ear::of(fixture.server, server);
        let any = if fixture.address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let client =
            fixture.client.udp_bind(any.parse().expect("an address")).expect("port 0 picks a free one");
        for bytes in [&b"x"[..], b""] {
            self.settle(&ear);
            let remote = (fixture.address, port).into();
            fixture.retry("send", || fixture.client.send_to(client, bytes, remote)).expect("it is sent");
            self.hear("a datagram", || ear.0.take().readable);
        }
        fixture.client.close(client);
        fixture.server.close(server);
    }

    fn nobody_is_told_after_the_end(&self) {
        let (client, server) = self.fixture.connection();
        let ear = Ear::of(self.fixture.server, server);
        self.fixture.server.notify(server, None).expect("an open socket can be told of no more");
        assert_eq!(Rc::strong_count(&ear.0), 1, "who is told no more is let go");
        let ear = Ear::of(self.fixture.server, server);
        self.fixture.server.close(server);
        self.fixture.client.close(client);
        self.settle(&ear);
        assert_eq!(Rc::strong_count(&ear.0), 1, "a closed socket keeps nobody");
    }
}
