//! Calls that are chosen for what they show.

use std::net::TcpListener;

use linux_raw_sys::general as numbers;
use linux_raw_sys::net::{
    AF_INET, AF_INET6, AF_UNIX, IP_TOS, IP_TTL, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY,
    MSG_DONTWAIT, MSG_NOSIGNAL, MSG_OOB, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, SHUT_RD, SHUT_RDWR, SHUT_WR,
    SO_ACCEPTCONN, SO_BROADCAST, SO_DOMAIN, SO_DONTROUTE, SO_ERROR, SO_KEEPALIVE, SO_LINGER, SO_OOBINLINE,
    SO_PROTOCOL, SO_RCVLOWAT, SO_RCVTIMEO, SO_REUSEADDR, SO_REUSEPORT, SO_SNDTIMEO, SO_TYPE, SOCK_DGRAM,
    SOCK_SEQPACKET, SOCK_STREAM, SOL_SOCKET, TCP_CORK, TCP_DEFER_ACCEPT, TCP_INFO, TCP_KEEPCNT, TCP_KEEPIDLE,
    TCP_KEEPINTVL, TCP_LINGER2, TCP_NODELAY, TCP_SYNCNT, TCP_USER_TIMEOUT,
};

use super::script::{Name, Script};
use super::{NONBLOCKING, compare};

const IP: u32 = IPPROTO_IP as u32;
const IPV6: u32 = IPPROTO_IPV6 as u32;
const TCP: u32 = IPPROTO_TCP as u32;
/// No descriptor of a test has this number.
const NONE: usize = 4000;

/// Whether the machine has IPv6, as the image has.
fn has_ipv6() -> bool {
    TcpListener::bind("[::1]:0").is_ok()
}

/// Two ends of a connection over loopback, the client's first.
fn connection(script: &Script<'_>) -> [usize; 2] {
    let listener = script.socket(AF_INET, SOCK_STREAM | NONBLOCKING);
    script.bind(listener, &Name::loopback(0));
    script.listen(listener, 5);
    let client = script.socket(AF_INET, SOCK_STREAM | NONBLOCKING);
    script.connect(client, &script.own_name(listener));
    script.bits(client);
    let server = script.accept(listener);
    script.close(listener);
    [client, server]
}

#[test]
fn a_connection_is_made_used_and_ended() {
    compare(|script| {
        let listener = script.socket(AF_INET, SOCK_STREAM | NONBLOCKING);
        script.bits(listener);
        script.bind(listener, &Name::loopback(0));
        script.bits(listener);
        script.listen(listener, 5);
        script.bits(listener);
        script.long_option(listener, TCP, TCP_INFO, 1);
        let there = script.own_name(listener);
        let client = script.socket(AF_INET, SOCK_STREAM | NONBLOCKING);
        script.bits(client);
        script.connect(client, &there);
        script.bits(client);
        script.long_option(client, TCP, TCP_INFO, 1);
        script.connect(client, &there);
        script.connect(client, &there);
        script.bits(listener);
        let server = script.accept(listener);
        script.bits(server);
        script.peer_name(client);
        script.send(client, b"0123456789", 0);
        script.bits(server);
        script.receive(server, 4, MSG_PEEK);
        script.receive(server, 4, 0);
        script.receive(server, 40, 0);
        script.receive(server, 40, MSG_DONTWAIT);
        script.shut_down(client, SHUT_WR);
        script.bits(client);
        script.bits(server);
        script.long_option(server, TCP, TCP_INFO, 1);
        script.receive(server, 1, 0);
        script.send(client, b"x", 0);
        script.send(server, b"still", 0);
        script.close(server);
        script.bits(client);
        script.receive(client, 10, 0);
        script.receive(client, 10, 0);
        script.long_option(client, TCP, TCP_INFO, 1);
        script.close(client);
        script.close(listener);
    });
}

#[test]
fn what_is_no_socket_is_refused() {
    compare(|script| {
        for (family, kind, protocol) in [
            (99, SOCK_STREAM, 0),
            (AF_INET, 99, 0),
            (AF_INET, 0, 0),
            (AF_INET, SOCK_STREAM, 17),
            (AF_INET, SOCK_DGRAM, 6),
            (AF_INET, SOCK_STREAM, u32::MAX),
            (AF_INET, SOCK_SEQPACKET, 0),
            (AF_UNIX, SOCK_STREAM, 99),
            (AF_UNIX, 9, 0),
            (AF_INET, 14, 0),
            (AF_INET, SOCK_STREAM | 0x40, 0),
        ] {
            let arguments = [family as usize, kind as usize, protocol as usize];
            script.opened("socket", numbers::__NR_socket, &arguments);
        }
        let mut pair = [0_i32; 2];
        for (family, kind, protocol) in
            [(AF_INET, SOCK_STREAM, 0), (99, SOCK_STREAM, 0), (AF_UNIX, 9, 0), (AF_UNIX, SOCK_STREAM, 7)]
        {
            let to = pair.as_mut_ptr() as usize;
            let arguments = [family as usize, kind as usize, protocol, to];
            script.call("socketpair", numbers::__NR_socketpair, &arguments);
        }
        script.call("socketpair", numbers::__NR_socketpair, &[AF_UNIX as usize, SOCK_STREAM as usize, 0, 0]);
        script.listen(NONE, 1);
        script.shut_down(NONE, 7);
        script.accept(NONE);
    });
}

#[test]
fn addresses_that_make_no_sense_are_refused() {
    compare(|script| {
        for family in if has_ipv6() { &[AF_INET, AF_INET6][..] } else { &[AF_INET] } {
            let family = *family;
            let fd = script.socket(family, SOCK_STREAM | NONBLOCKING);
            for name in [
                Name::loopback(0).cut(4),
                Name::loopback(0).cut(0),
                Name::hidden("x"),
                Name::inet6(1, 0).cut(10),
                Name(alloc::vec![9; 129]),
                Name(alloc::vec![9; 28]),
                Name::inet([203, 0, 113, 7], 0),
            ] {
                script.bind(fd, &name);
                let name = if name.0.len() > 4 { name.at(9) } else { name };
                if name.0.first() != Some(&(AF_INET as u8)) || name.0.len() < 8 {
                    script.connect(fd, &name);
                }
            }
            script.call("bind to nowhere", numbers::__NR_bind, &[fd, 0, 16]);
            script.call("getsockname to nowhere", numbers::__NR_getsockname, &[fd, 0, 0]);
            script.peer_name(fd);
            script.close(fd);
        }
    });
}

/// Options of every socket, the last of which there is not.
const OF_ANY: [u32; 13] = [
    SO_TYPE,
    SO_DOMAIN,
    SO_PROTOCOL,
    SO_ERROR,
    SO_ACCEPTCONN,
    SO_REUSEADDR,
    SO_REUSEPORT,
    SO_KEEPALIVE,
    SO_BROADCAST,
    SO_DONTROUTE,
    SO_OOBINLINE,
    SO_RCVLOWAT,
    9999,
];
/// Options of TCP, the last of which there is not.
const OF_TCP: [u32; 10] = [
    TCP_NODELAY,
    TCP_CORK,
    TCP_KEEPIDLE,
    TCP_KEEPINTVL,
    TCP_KEEPCNT,
    TCP_SYNCNT,
    TCP_LINGER2,
    TCP_DEFER_ACCEPT,
    TCP_USER_TIMEOUT,
    9999,
];

/// Options of a number, of any socket.
fn numbered() -> impl Iterator<Item = (u32, u32)> {
    let any = OF_ANY.map(|name| (SOL_SOCKET, name)).into_iter();
    any.chain(OF_TCP.map(|name| (TCP, name))).chain([
        (IP, IP_TOS),
        (IP, IP_TTL),
        (IPV6, IPV6_V6ONLY),
        (77, 1),
    ])
}

/// Asks for an option of a number and sets it to several.
fn try_numbers(script: &Script<'_>, fd: usize, (level, name): (u32, u32)) {
    script.option(fd, level, name);
    // Linux keeps the one in units of its own, and has more values for the other.
    let is_of_units = (level, name) == (TCP, TCP_DEFER_ACCEPT) || (level, name) == (SOL_SOCKET, SO_RCVLOWAT);
    for value in [0, 1, 5, -1, 300, 40_000].into_iter().filter(|_| !is_of_units) {
        script.set_option(fd, level, name, &i32::to_ne_bytes(value));
        script.option(fd, level, name);
    }
    script.set_option(fd, level, name, &[1, 0]);
}

#[test]
fn options_are_those_of_linux() {
    compare(|script| {
        for (family, kind) in [
            (AF_INET, SOCK_STREAM),
            (AF_INET6, SOCK_STREAM),
            (AF_INET, SOCK_DGRAM),
            (AF_UNIX, SOCK_STREAM),
            (AF_UNIX, SOCK_DGRAM),
        ] {
            if family == AF_INET6 && !has_ipv6() {
                continue;
            }
            let fd = script.socket(family, kind);
            // Some versions of Linux let sockets of Unix share ports that they do not have.
            let is_told = |option: &(u32, u32)| family != AF_UNIX || *option != (SOL_SOCKET, SO_REUSEPORT);
            numbered().filter(is_told).for_each(|option| try_numbers(script, fd, option));
            for length in [0, 2, 60, u32::MAX] {
                script.long_option(fd, SOL_SOCKET, SO_TYPE, length);
            }
            script.close(fd);
        }
    });
}

#[test]
fn options_of_times_are_those_of_linux() {
    compare(|script| {
        for family in [AF_INET, AF_UNIX] {
            let fd = script.socket(family, SOCK_STREAM);
            script.set_option(fd, SOL_SOCKET, SO_LINGER, &[1, 0, 0, 0, 7, 0, 0, 0]);
            script.set_option(fd, SOL_SOCKET, SO_LINGER, &[1, 0, 0, 0]);
            script.long_option(fd, SOL_SOCKET, SO_LINGER, 8);
            for name in [SO_RCVTIMEO, SO_SNDTIMEO] {
                for (seconds, microseconds) in [(1_i64, 20_000_i64), (0, 1_000_000), (-1, 0), (0, 0)] {
                    let value = [seconds.to_ne_bytes(), microseconds.to_ne_bytes()].concat();
                    script.set_option(fd, SOL_SOCKET, name, &value);
                    script.long_option(fd, SOL_SOCKET, name, 16);
                }
            }
            script.close(fd);
        }
    });
}

#[test]
fn a_reset_is_told_to_whoever_asks() {
    const AT_ONCE: [u8; 8] = [1, 0, 0, 0, 0, 0, 0, 0];
    compare(|script| {
        for unread in [false, true] {
            let [client, server] = connection(script);
            if unread {
                script.send(server, b"before", 0);
                script.settle();
            }
            script.set_option(server, SOL_SOCKET, SO_LINGER, &AT_ONCE);
            script.close(server);
            script.bits(client);
            script.peer_name(client);
            script.receive(client, 10, 0);
            script.receive(client, 10, 0);
            script.bits(client);
            script.send(client, b"x", MSG_NOSIGNAL);
            script.option(client, SOL_SOCKET, SO_ERROR);
            script.shut_down(client, SHUT_RDWR);
            script.close(client);
        }
        let [client, server] = connection(script);
        script.set_option(server, SOL_SOCKET, SO_LINGER, &AT_ONCE);
        script.close(server);
        script.settle();
        script.option(client, SOL_SOCKET, SO_ERROR);
        script.option(client, SOL_SOCKET, SO_ERROR);
        script.bits(client);
        script.receive(client, 10, 0);
        script.close(client);
    });
}

#[test]
fn what_nobody_read_resets() {
    compare(|script| {
        let [client, server] = connection(script);
        script.send(client, b"nobody reads this", 0);
        script.settle();
        script.close(server);
        script.bits(client);
        script.receive(client, 10, 0);
        script.receive(client, 10, 0);
        script.close(client);
    });
}

#[test]
fn halves_end_one_by_one() {
    compare(|script| {
        for half in [SHUT_RD, SHUT_WR, SHUT_RDWR, 9] {
            let [client, server] = connection(script);
            script.shut_down(client, half);
            script.bits(client);
            script.bits(server);
            script.receive(client, 4, 0);
            script.send(client, b"x", MSG_NOSIGNAL);
            script.shut_down(server, SHUT_WR);
            script.bits(client);
            script.bits(server);
            script.receive(server, 4, 0);
            script.receive(server, 4, 0);
            script.shut_down(client, SHUT_RD);
            script.peer_name(client);
            script.close(client);
            script.close(server);
        }
    });
}

#[test]
fn a_refused_connection_is_told_once() {
    compare(|script| {
        let bound = script.socket(AF_INET, SOCK_STREAM | NONBLOCKING);
        script.bind(bound, &Name::loopback(0));
        let nobody = script.own_name(bound);
        let client = script.socket(AF_INET, SOCK_STREAM | NONBLOCKING);
        script.connect(client, &nobody);
        script.bits(client);
        script.option(client, SOL_SOCKET, SO_ERROR);
        script.option(client, SOL_SOCKET, SO_ERROR);
        script.bits(client);
        script.connect(client, &nobody);
        script.connect(client, &nobody);
        script.bits(client);
        script.connect(client, &nobody);
        script.bits(client);
        let waiting = script.socket(AF_INET, SOCK_STREAM);
        script.connect(waiting, &nobody);
        script.connect(waiting, &nobody);
        script.close_all(&[bound, client, waiting]);
    });
}

#[test]
fn flags_of_receiving_and_sending() {
    compare(|script| {
        let [client, server] = connection(script);
        script.send(client, b"abcdefgh", 0);
        script.settle();
        script.receive(server, 3, MSG_WAITALL);
        script.receive(server, 30, MSG_WAITALL);
        script.send(client, b"abcdefgh", 0);
        script.settle();
        script.receive(server, 3, MSG_TRUNC);
        script.receive(server, 0, 0);
        script.receive(server, 30, MSG_TRUNC | MSG_PEEK);
        script.receive(server, 30, 0);
        script.receive(server, 0, 0);
        script.receive(server, 1, MSG_OOB);
        script.close(client);
        script.close(server);
    });
}

#[test]
fn a_time_set_ends_waiting() {
    compare(|script| {
        let [client, server] = connection(script);
        // They do not wait themselves, so others do.
        let listener = script.socket(AF_INET, SOCK_STREAM);
        script.listen(listener, 1);
        let time = [0_i64.to_ne_bytes(), 3000_i64.to_ne_bytes()].concat();
        script.set_option(listener, SOL_SOCKET, SO_RCVTIMEO, &time);
        script.call("accept", numbers::__NR_accept, &[listener, 0, 0]);
        let datagrams = script.socket(AF_INET, SOCK_DGRAM);
        script.set_option(datagrams, SOL_SOCKET, SO_RCVTIMEO, &time);
        script.receive(datagrams, 5, 0);
        let mut pair = [0_i32; 2];
        let to = pair.as_mut_ptr() as usize;
        script.call("socketpair", numbers::__NR_socketpair, &[AF_UNIX as usize, SOCK_STREAM as usize, 0, to]);
        script.set_option(pair[0] as usize, SOL_SOCKET, SO_RCVTIMEO, &time);
        script.receive(pair[0] as usize, 5, 0);
        script.send(pair[1] as usize, b"ab", 0);
        script.receive(pair[0] as usize, 5, MSG_WAITALL);
        script.close_all(&[client, server, listener, datagrams, pair[0] as usize, pair[1] as usize]);
    });
}

#[test]
fn both_versions_side_by_side() {
    if !has_ipv6() {
        std::eprintln!("skipped: this machine has no IPv6");
        return;
    }
    compare(|script| {
        let [four, six, dual] =
            [AF_INET, AF_INET6, AF_INET6].map(|family| script.socket(family, SOCK_STREAM | NONBLOCKING));
        script.bind(four, &Name::inet([0; 4], 0));
        let port = script.own_name(four).port();
        script.listen(four, 5);
        script.bind(dual, &Name::inet6(0, port));
        script.set_option(six, IPV6, IPV6_V6ONLY, &1_i32.to_ne_bytes());
        script.bind(six, &Name::inet6(0, port));
        script.set_option(six, IPV6, IPV6_V6ONLY, &0_i32.to_ne_bytes());
        script.listen(six, 5);
        for (family, name) in [
            (AF_INET, Name::loopback(port)),
            (AF_INET6, Name::inet6(1, port)),
            (AF_INET6, Name::inet6(0xffff_7f00_0001, port)),
        ] {
            let client = script.socket(family, SOCK_STREAM | NONBLOCKING);
            script.connect(client, &name);
            script.bits(client);
            script.peer_name(client);
            script.bits(four);
            script.bits(six);
            script.accept(four);
            script.accept(six);
            script.close(client);
        }
        script.close_all(&[four, six, dual]);
    });
}

#[test]
fn a_port_is_shared() {
    compare(|script| {
        let sockets = [0, 1, 2].map(|_| script.socket(AF_INET, SOCK_STREAM | NONBLOCKING));
        for fd in &sockets[..2] {
            script.set_option(*fd, SOL_SOCKET, SO_REUSEPORT, &1_i32.to_ne_bytes());
        }
        script.bind(sockets[0], &Name::loopback(0));
        let there = script.own_name(sockets[0]);
        script.bind(sockets[1], &there);
        script.listen(sockets[0], 5);
        script.listen(sockets[1], 5);
        script.bind(sockets[2], &there);
        script.close_all(&sockets);
    });
}

#[test]
fn datagrams_come_whole_or_cut() {
    compare(|script| {
        let [one, other] = [0, 1].map(|_| script.socket(AF_INET, SOCK_DGRAM | NONBLOCKING));
        script.bits(one);
        script.bind(one, &Name::loopback(0));
        let there = script.own_name(one);
        script.bind(other, &there);
        script.send(other, b"to nobody", 0);
        script.send_to(other, b"x", &there.at(0));
        script.send_to(other, b"longer than that", &there);
        script.bits(one);
        script.receive(one, 6, MSG_PEEK | MSG_TRUNC);
        script.receive(one, 6, MSG_TRUNC);
        script.receive(one, 60, 0);
        script.send_to(other, b"", &there);
        script.bits(one);
        script.receive(one, 60, 0);
        script.connect(other, &there);
        script.peer_name(other);
        script.send(other, b"one", 0);
        script.send(other, b"two", 0);
        script.settle();
        script.receive(one, 2, 0);
        script.receive(one, 60, 0);
        script.send(other, &[0; 70_000], 0);
        script.listen(one, 1);
        script.accept(one);
        script.connect(other, &Name(alloc::vec![0; 16]));
        script.peer_name(other);
        script.receive(one, 1, MSG_OOB);
        script.close(one);
        script.close(other);
    });
}

#[test]
fn nobody_at_a_port_is_told() {
    compare(|script| {
        let [one, other] = [0, 1].map(|_| script.socket(AF_INET, SOCK_DGRAM | NONBLOCKING));
        script.bind(one, &Name::loopback(0));
        let there = script.own_name(one);
        script.close(one);
        script.send_to(other, b"x", &there);
        script.bits(other);
        script.connect(other, &there);
        script.send(other, b"x", 0);
        script.bits(other);
        script.receive(other, 1, 0);
        script.receive(other, 1, 0);
        script.send(other, b"x", 0);
        script.settle();
        script.option(other, SOL_SOCKET, SO_ERROR);
        script.bits(other);
        script.send(other, b"x", 0);
        script.settle();
        script.send(other, b"x", 0);
        script.close(other);
    });
}

#[test]
fn pairs_of_unix() {
    compare(|script| {
        for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
            let mut pair = [0_i32; 2];
            let to = pair.as_mut_ptr() as usize;
            let kind = (kind | NONBLOCKING) as usize;
            script.call("socketpair", numbers::__NR_socketpair, &[AF_UNIX as usize, kind, 0, to]);
            let [one, other] = pair.map(|fd| fd as usize);
            script.bits(one);
            script.send(one, b"first", 0);
            script.send(one, b"second", 0);
            script.bits(other);
            script.receive(other, 3, MSG_PEEK);
            script.receive(other, 3, 0);
            script.receive(other, 40, 0);
            script.receive(other, 40, 0);
            script.peer_name(one);
            script.own_name(one);
            script.shut_down(one, SHUT_WR);
            script.bits(one);
            script.bits(other);
            script.receive(other, 1, 0);
            script.send(one, b"x", MSG_NOSIGNAL);
            script.send(other, b"the other way", 0);
            script.close(one);
            script.bits(other);
            script.send(other, b"x", MSG_NOSIGNAL);
            script.receive(other, 1, 0);
            script.receive(other, 1, 0);
            script.bits(other);
            script.close(other);
        }
    });
}

#[test]
fn names_of_unix() {
    compare(|script| {
        // Names are the machine's, which other tests have, too.
        let name = Name::hidden(&alloc::format!("unicore-{}", std::process::id()));
        let listener = script.socket(AF_UNIX, SOCK_STREAM | NONBLOCKING);
        let client = script.socket(AF_UNIX, SOCK_STREAM | NONBLOCKING);
        script.bits(client);
        script.connect(client, &name);
        script.receive(client, 1, 0);
        script.send(client, b"x", MSG_NOSIGNAL);
        script.bind(listener, &name);
        script.bind(listener, &name);
        script.bind(client, &name);
        script.connect(client, &name);
        script.accept(listener);
        script.listen(listener, 1);
        script.bits(listener);
        script.connect(client, &name);
        script.connect(client, &name);
        script.bits(listener);
        let server = script.accept(listener);
        script.bits(server);
        script.bits(client);
        script.send(client, b"hello", 0);
        script.receive(server, 10, 0);
        script.send_to(client, b"x", &name);
        let others = [0; 3].map(|_| script.socket(AF_UNIX, SOCK_STREAM | NONBLOCKING));
        for fd in others {
            script.connect(fd, &name);
        }
        script.close(listener);
        for fd in others {
            script.bits(fd);
        }
        script.receive(others[0], 1, 0);
        script.close(client);
        script.bits(server);
        script.receive(server, 10, 0);
        script.connect(others[2], &name);
        let datagrams = script.socket(AF_UNIX, SOCK_DGRAM | NONBLOCKING);
        script.connect(datagrams, &name);
        script.send_to(datagrams, b"x", &name);
        script.bind(datagrams, &name);
        script.send_to(datagrams, b"to itself", &name);
        script.receive(datagrams, 20, 0);
        script.connect(others[2], &name);
        script.listen(datagrams, 1);
        script.accept(datagrams);
        script.close_all(&[server, datagrams, others[0], others[1], others[2]]);
        let path = Name::path("no/such/path");
        let lost = script.socket(AF_UNIX, SOCK_STREAM | NONBLOCKING);
        script.connect(lost, &path);
        script.close(lost);
    });
}
