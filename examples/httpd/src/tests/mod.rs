//! The server whole, against clients and files of the test's own.

mod fakes;
mod malformed;

use std::{boxed::Box, format, string::String, vec, vec::Vec};

use fakes::{Files, Stack};
use iface_clock::{Duration, fake::FakeClock};

use crate::{Config, Needs, server::Server};

/// A server, and what it needs.
struct World {
    clock: &'static FakeClock,
    stack: &'static Stack,
    server: Server<&'static FakeClock, &'static Files, &'static Stack>,
}

impl World {
    fn new(connections: usize) -> Self {
        let clock: &'static FakeClock = Box::leak(Box::new(FakeClock::new()));
        let stack: &'static Stack = Box::leak(Box::new(Stack::new()));
        let filesystem: &'static Files = Box::leak(Box::new(Files));
        let config = Config { port: 80, connections, keep_alive_seconds: 75 };
        let server =
            Server::open(&config, Needs { clock, filesystem, net_stack: stack }).expect("the port is free");
        Self { clock, stack, server }
    }

    /// Lets the server work until there is nothing to do.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            self.server.turn();
            if !self.stack.is_busy() {
                return;
            }
        }
        panic!("the server never comes to rest");
    }

    /// What a new client that sends `request` receives.
    fn ask(&mut self, request: &str) -> String {
        let client = self.stack.connect();
        self.stack.say(client, request.as_bytes());
        self.settle();
        String::from_utf8(self.stack.hear(client)).expect("text")
    }
}

fn body(response: &str) -> &str {
    response.split_once("\r\n\r\n").expect("a head").1
}

#[test]
fn a_page() {
    let response = World::new(10).ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(
        response.contains("\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 5\r\n"),
        "{response}"
    );
    assert!(response.contains("\r\nConnection: keep-alive\r\n"), "{response}");
    assert_eq!(body(&response), "index");
}

#[test]
fn a_head_has_no_body() {
    let response = World::new(10).ask("HEAD / HTTP/1.1\r\nHost: h\r\nRange: bytes=1-2\r\n\r\n");
    assert!(
        response.starts_with("HTTP/1.1 200 ") && response.contains("\r\nContent-Length: 5\r\n"),
        "{response}"
    );
    assert_eq!(body(&response), "");
}

#[test]
fn statuses() {
    for (line, fields, status) in [
        ("GET /big HTTP/1.1", "Range: bytes=5-9", "206 Partial Content"),
        ("GET /big HTTP/1.1", "Range: bytes=99999999-", "416 Range Not Satisfiable"),
        ("GET /big HTTP/1.1", "Range: bytes=5-9\r\nIf-Range: \"0-0\"", "200 OK"),
        (
            "GET /big HTTP/1.1",
            "Range: bytes=5-9\r\nIf-Range: Thu, 01 Jan 1970 00:16:40 GMT",
            "206 Partial Content",
        ),
        ("GET / HTTP/1.1", "If-None-Match: \"x\", W/\"3e8-5\"", "304 Not Modified"),
        ("GET / HTTP/1.1", "If-None-Match: \"3e8-6\"", "200 OK"),
        ("GET / HTTP/1.1", "If-Modified-Since: Thu, 01 Jan 1970 00:16:40 GMT", "304 Not Modified"),
        ("GET / HTTP/1.1", "If-Modified-Since: Thu, 01 Jan 1970 00:16:39 GMT", "200 OK"),
        ("GET /none HTTP/1.1", "X: y", "404 Not Found"),
        ("GET /sub/ HTTP/1.1", "X: y", "404 Not Found"),
        ("GET /sub HTTP/1.1", "X: y", "301 Moved Permanently"),
        ("GET /%zz HTTP/1.1", "X: y", "400 Bad Request"),
        ("POST / HTTP/1.1", "Content-Length: 3", "405 Method Not Allowed"),
        ("GET / HTTP/1.1", "Host: again", "400 Bad Request"),
        ("GET / HTTP/3.0", "X: y", "505 HTTP Version Not Supported"),
    ] {
        let response = World::new(10).ask(&format!("{line}\r\nHost: h\r\n{fields}\r\n\r\n"));
        assert!(response.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{line} {fields}: {response}");
    }
}

#[test]
fn a_large_file_to_a_slow_client() {
    let mut world = World::new(10);
    world.stack.set_window(1000);
    let response = world.ask("GET /big HTTP/1.1\r\nHost: h\r\n\r\nGET /unmapped HTTP/1.1\r\nHost: h\r\n\r\n");
    let first = fakes::BIG.len();
    assert_eq!(&body(&response).as_bytes()[..first], fakes::BIG);
    let second = &body(&response)[first..];
    assert!(second.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(body(second).as_bytes(), fakes::BIG);
}

#[test]
fn many_requests_at_once() {
    let response = World::new(10).ask(&"GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(300));
    assert_eq!(response.matches("HTTP/1.1 200 OK").count(), 300);
}

#[test]
fn a_request_byte_by_byte() {
    let mut world = World::new(10);
    let client = world.stack.connect();
    for byte in b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" {
        assert_eq!(world.stack.hear(client), []);
        world.stack.say(client, &[*byte]);
        world.settle();
    }
    assert!(world.stack.hear(client).ends_with(b"index"));
    assert!(!world.stack.is_closed(client));
}

#[test]
fn an_old_client_is_answered_and_left() {
    let mut world = World::new(10);
    let client = world.stack.connect();
    world.stack.say(client, b"GET / HTTP/1.0\r\n\r\n");
    world.settle();
    assert!(world.stack.hear(client).ends_with(b"index"));
    assert!(world.stack.is_shut(client));
    world.stack.leave(client);
    world.settle();
    assert!(world.stack.is_closed(client));
}

#[test]
fn the_idle_are_closed_in_time() {
    let mut world = World::new(10);
    let client = world.stack.connect();
    world.settle();
    world.clock.advance(Duration::from_secs(74));
    world.settle();
    assert!(!world.stack.is_closed(client));
    world.clock.advance(Duration::from_secs(1));
    world.settle();
    assert!(world.stack.is_closed(client));
}

#[test]
fn at_the_limit_the_longest_idle_goes() {
    let mut world = World::new(2);
    let clients: Vec<_> = (0..2)
        .map(|_| {
            world.clock.advance(Duration::from_secs(1));
            let client = world.stack.connect();
            world.settle();
            client
        })
        .collect();
    world.clock.advance(Duration::from_secs(1));
    let response = world.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(response.ends_with("index"));
    assert_eq!(
        clients.iter().map(|client| world.stack.is_closed(*client)).collect::<Vec<_>>(),
        vec![true, false]
    );
}

#[test]
fn at_the_limit_the_busy_stay() {
    let mut world = World::new(1);
    let busy = world.stack.connect();
    world.stack.set_window(1000);
    world.stack.say(busy, b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    world.server.turn();
    world.server.turn();
    world.clock.advance(Duration::from_secs(1));
    let next = world.stack.connect();
    world.stack.say(next, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    world.server.turn();
    assert!(!world.stack.is_closed(busy) && world.stack.hear(next).is_empty());
    world.settle();
    world.clock.advance(Duration::from_secs(1));
    world.settle();
    assert!(world.stack.hear(busy).len() > fakes::BIG.len());
    assert!(world.stack.hear(next).ends_with(b"index"));
}

#[test]
fn a_byte_now_and_then_gains_no_time() {
    let mut world = World::new(10);
    let slow = world.stack.connect();
    world.settle();
    for byte in &b"GET / HTTP/1.1\r\nHost: h\r\nX: ".repeat(3)[..74] {
        world.clock.advance(Duration::from_secs(1));
        world.stack.say(slow, &[*byte]);
        world.settle();
        assert!(!world.stack.is_closed(slow));
    }
    world.clock.advance(Duration::from_secs(1));
    world.stack.say(slow, b"x");
    world.settle();
    assert!(world.stack.is_closed(slow));
    assert_eq!(world.stack.hear(slow), []);
}

#[test]
fn unfinished_requests_hold_no_place_at_the_limit() {
    let mut world = World::new(20);
    for _ in 0..20 {
        let slow = world.stack.connect();
        world.stack.say(slow, b"GET / HT");
    }
    world.settle();
    for _ in 0..100 {
        world.clock.advance(Duration::from_millis(100));
        assert!(world.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").ends_with("index"));
    }
}

#[test]
fn who_only_talks_after_the_last_answer_is_left_in_time() {
    let mut world = World::new(10);
    let client = world.stack.connect();
    world.stack.say(client, b"nonsense\r\n\r\n");
    world.settle();
    assert!(world.stack.hear(client).starts_with(b"HTTP/1.1 400 ") && world.stack.is_shut(client));
    for _ in 0..75 {
        assert!(!world.stack.is_closed(client));
        world.clock.advance(Duration::from_secs(1));
        world.stack.say(client, &[b'x'; 10_000]);
        world.settle();
    }
    assert!(world.stack.is_closed(client));
}

#[test]
fn clients_leave_no_memory_behind() {
    let mut world = World::new(100);
    for _ in 0..1000 {
        let client = world.stack.connect();
        world.stack.say(client, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        world.settle();
        world.stack.leave(client);
        world.settle();
        assert!(world.stack.is_closed(client));
    }
    assert_eq!(world.server.places(), 1);
}
