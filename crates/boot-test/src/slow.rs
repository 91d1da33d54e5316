//! Clients that take their time, and one between them that does not.

use std::net::SocketAddr;
use std::time::Instant;

use crate::http::Connection;
use crate::{Failure, Slow};

/// What a slow client takes of its answer in a turn, in bytes.
const MOUTHFUL: u64 = 64 * 1024;

/// Sends the requests of all `slow.connections` a byte in a turn, then takes their answers a mouthful in a turn. In each
/// turn another client has a whole answer, too.
pub(crate) fn beside_a_fast_one(address: SocketAddr, slow: &Slow, deadline: Instant) -> Result<(), Failure> {
    let mut fast = Connection::open(address, deadline)?;
    let mut serve_fast = || {
        fast.get(&slow.beside)?;
        expect_ok(fast.receive()?.status)
    };
    serve_fast()?;
    let mut clients = Vec::new();
    for _ in 0..slow.connections {
        clients.push(Connection::open(address, deadline)?);
    }
    let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", slow.path);
    for byte in request.as_bytes().chunks(1) {
        for client in &mut clients {
            client.send(byte)?;
        }
        serve_fast()?;
    }
    let mut left = Vec::new();
    for client in &mut clients {
        let answer = client.receive_head()?;
        expect_ok(answer.status)?;
        left.push(answer.length);
    }
    while left.iter().any(|left| *left > 0) {
        for (client, left) in clients.iter_mut().zip(&mut left) {
            let taken = MOUTHFUL.min(*left);
            client.take(taken)?;
            *left -= taken;
        }
        serve_fast()?;
    }
    Ok(())
}

fn expect_ok(got: u16) -> Result<(), Failure> {
    if got == 200 { Ok(()) } else { Err(Failure::Status { got, wanted: 200 }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    /// A server that answers each connection in a thread, or one after another.
    fn server(at_once: bool) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let serve = move || {
                    let mut stream = BufReader::new(stream.unwrap());
                    let mut line = String::new();
                    while stream.read_line(&mut line).is_ok_and(|read| read > 0) {
                        if line == "\r\n" {
                            let body = [b'x'; 200_000];
                            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                            let out = stream.get_mut();
                            if out.write_all(head.as_bytes()).and_then(|()| out.write_all(&body)).is_err() {
                                return;
                            }
                        }
                        line.clear();
                    }
                };
                if at_once {
                    thread::spawn(serve);
                } else {
                    serve();
                }
            }
        });
        address
    }

    fn slow() -> Slow {
        Slow { service: "http".into(), path: "/".into(), beside: "/".into(), connections: 3 }
    }

    #[test]
    fn a_server_of_many_clients_passes() {
        let soon = Instant::now() + Duration::from_secs(20);
        beside_a_fast_one(server(true), &slow(), soon).unwrap();
    }

    #[test]
    fn a_server_that_waits_for_one_client_fails() {
        let soon = Instant::now() + Duration::from_millis(500);
        assert!(beside_a_fast_one(server(false), &slow(), soon).is_err());
    }
}
