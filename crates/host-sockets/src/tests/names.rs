//! Names, asked of a server in this process.

extern crate std;

use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::vec::Vec;

use core::time::Duration;

use iface_net_stack::{IpAddr, NetStack, ResolveError};
use simple_dns::rdata::{A, RData};
use simple_dns::{CLASS, Packet, QTYPE, RCODE, ResourceRecord, TYPE};

use super::host::stack;
use crate::resolver::ask;

/// A server that answers the first `questions`, and its address. It says first, under another id, that there is no such
/// name.
fn server(questions: usize, rcode: RCODE) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        for _ in 0..questions {
            let mut buffer = [0; 512];
            let (length, client) = socket.recv_from(&mut buffer).unwrap();
            let mut reply = reply(&buffer[..length], rcode);
            reply[1] ^= 1;
            reply[3] |= 3;
            socket.send_to(&reply, client).unwrap();
            reply[1] ^= 1;
            reply[3] = (reply[3] & !15) | rcode as u8;
            socket.send_to(&reply, client).unwrap();
        }
    });
    address
}

/// 10.0.0.1 for A, nothing for AAAA.
fn reply(question: &[u8], rcode: RCODE) -> Vec<u8> {
    let mut packet = Packet::parse(question).unwrap().into_reply();
    *packet.rcode_mut() = rcode;
    let asked = packet.questions[0].clone();
    if asked.qtype == QTYPE::TYPE(TYPE::A) && rcode == RCODE::NoError {
        let address = u32::from_be_bytes([10, 0, 0, 1]);
        packet.answers.push(ResourceRecord::new(asked.qname, CLASS::IN, 60, RData::A(A { address })));
    }
    packet.build_bytes_vec().unwrap()
}

fn asked(server: SocketAddr) -> Option<Vec<IpAddr>> {
    ask(stack("").0, server, Duration::from_millis(300), "host.example")
}

#[test]
fn a_server_is_asked_for_both_families() {
    assert_eq!(asked(server(2, RCODE::NoError)), Some(Vec::from([IpAddr::from([10, 0, 0, 1])])));
}

#[test]
fn one_family_is_enough() {
    assert_eq!(asked(server(1, RCODE::NoError)), Some(Vec::from([IpAddr::from([10, 0, 0, 1])])));
}

#[test]
fn a_name_that_is_not_has_no_addresses() {
    assert_eq!(asked(server(2, RCODE::NameError)), Some(Vec::new()));
}

#[test]
fn a_server_that_is_silent_or_fails_answers_nothing() {
    assert_eq!(asked(server(0, RCODE::NoError)), None);
    assert_eq!(asked(server(2, RCODE::ServerFailure)), None);
}

#[test]
fn addresses_are_names_of_themselves() {
    let (stack, ..) = stack("");
    for text in ["10.1.2.3", "::1"] {
        assert_eq!(stack.resolve(text), Ok(Vec::from([text.parse::<IpAddr>().unwrap()])));
    }
    assert_eq!(stack.resolve("not a name"), Err(ResolveError::InvalidName));
    assert!(stack.resolve("localhost").unwrap().iter().all(IpAddr::is_loopback));
}
