//! The stack over this machine's loopback interface.

extern crate std;

mod host;
mod names;

use core::cell::Cell;
use core::time::Duration;

use iface_clock::Clock;
use iface_events::Events;
use iface_net_stack::conformance::{self, Fixture};
use iface_net_stack::{Event, Instant, NetStack, Readiness, SocketAddr};

use host::stack;

/// Where the suite begins to look for ports: processes that test at the same time look elsewhere.
fn first_port() -> u16 {
    20_000 + (std::process::id() % 1000) as u16 * 10
}

fn conforms(address: &str) {
    let (stack, _, clock) = stack("");
    conformance::all(&Fixture {
        server: stack,
        address: address.parse().unwrap(),
        client: stack,
        now: &|| clock.now(),
        step: &|| std::thread::sleep(Duration::from_micros(200)),
        port: Cell::new(first_port()),
    });
}

#[test]
fn it_conforms_over_ipv4() {
    conforms("127.0.0.1");
}

#[test]
fn it_conforms_over_ipv6() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        std::eprintln!("skipped: this machine has no IPv6");
        return;
    }
    conforms("::1");
}

#[test]
fn a_forwarded_port_is_served_at_the_hosts() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (stack, ..) = stack(std::format!("forward={}:80", free.port()).leak());
    let listener = stack.tcp_listen("[::]:80".parse().unwrap(), 8).unwrap();
    assert_eq!(stack.local(listener).unwrap().port(), 80);
    let client = std::net::TcpStream::connect(free).unwrap();
    let (_, peer) = stack.tcp_accept(listener).unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
}

#[test]
fn the_unspecified_address_of_ipv6_takes_ipv4_in() {
    let (stack, ..) = stack("");
    let listener = stack.tcp_listen("[::]:0".parse().unwrap(), 8).unwrap();
    let port = stack.local(listener).unwrap().port();
    let client = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    assert_eq!(stack.tcp_accept(listener).unwrap().1, client.local_addr().unwrap());
}

#[test]
fn a_poller_that_nobody_asks_does_not_keep_the_host_busy() {
    let (stack, events, clock) = stack("");
    let socket = stack.udp_bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let poller = stack.poller();
    stack.watch(poller, socket, Readiness::WRITABLE, 3).unwrap();
    let deadline = clock.now() + Duration::from_millis(50);
    let mut rounds = 0;
    while clock.now() < deadline {
        events.wait(Some(deadline));
        rounds += 1;
    }
    assert!(rounds <= 3, "{rounds} rounds");
    assert_eq!(stack.wait(poller, &mut [Event::default()], None), 1);
}

#[test]
fn threads_waiting_at_pollers_are_woken_by_what_arrives() {
    let (stack, ..) = stack("");
    let socket = stack.udp_bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let remote: SocketAddr = stack.local(socket).unwrap();
    let poller = stack.poller();
    stack.watch(poller, socket, Readiness::READABLE, 3).unwrap();
    let sending = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.send_to(b"x", remote).unwrap();
    });
    let mut event = [Event::default()];
    assert_eq!(stack.wait(poller, &mut event, None), 1);
    assert_eq!(event[0], Event { token: 3, ready: Readiness::READABLE });
    sending.join().unwrap();
    assert_eq!(stack.wait(poller, &mut event, Some(Instant::START)), 1, "told again");
}
