//! What is not HTTP: bytes that are sent, and those that come back.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Exchange, Failure};

/// Pause between questions.
const POLL: Duration = Duration::from_millis(50);
/// How long a question waits before a new connection is tried.
const PATIENCE: Duration = Duration::from_secs(2);
/// The most that UDP carries over IPv4 (RFC 768, RFC 791).
const LONGEST_DATAGRAM: usize = 65_507;

/// Sends on new connections, or in a datagram, and judges what is received.
pub(crate) fn probe(address: SocketAddr, exchange: &Exchange, deadline: Instant) -> Result<(), Failure> {
    if let Some(lead) = &exchange.datagram {
        return judge(&ask_by_datagram(address, exchange, lead, deadline)?, exchange);
    }
    // QEMU accepts forwarded connections with a queue of one, so each is answered before the next is opened.
    let mut streams = Vec::new();
    for _ in 0..exchange.connections {
        let mut stream = connect(address, deadline)?;
        judge(&ask(&mut stream, exchange)?, exchange)?;
        streams.push(stream);
    }
    let again = if streams.len() > 1 { &mut streams[..] } else { &mut [] };
    again.iter_mut().try_for_each(|stream| judge(&ask(stream, exchange)?, exchange))
}

/// Whether an answer is the wanted one.
fn judge(got: &[u8], exchange: &Exchange) -> Result<(), Failure> {
    if got == exchange.receive.as_bytes() {
        return Ok(());
    }
    let got = String::from_utf8_lossy(got).into_owned();
    Err(Failure::Received { got, wanted: exchange.receive.clone() })
}

/// What is left until the deadline.
fn patience(deadline: Instant) -> Result<Duration, Failure> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Failure::TimedOut { waiting_for: "the network".into() }) } else { Ok(left) }
}

fn connect(address: SocketAddr, deadline: Instant) -> Result<TcpStream, Failure> {
    let left = patience(deadline)?;
    let failed = |error: std::io::Error| Failure::from_socket(&error);
    let stream = TcpStream::connect_timeout(&address, left).map_err(failed)?;
    stream.set_read_timeout(Some(left)).map_err(failed)?;
    Ok(stream)
}

/// As many bytes of the answer as are wanted, or fewer where the connection ended before.
fn ask(stream: &mut TcpStream, exchange: &Exchange) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::from_socket(&error);
    stream.write_all(exchange.send.as_bytes()).map_err(failed)?;
    let mut got = Vec::new();
    stream.take(exchange.receive.len() as u64).read_to_end(&mut got).map_err(failed)?;
    Ok(got)
}

/// As many bytes of the datagram that comes back as are wanted, behind those that it begins with.
fn ask_by_datagram(
    address: SocketAddr,
    exchange: &Exchange,
    lead: &[u8],
    deadline: Instant,
) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::from_socket(&error);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
    socket.set_read_timeout(Some(patience(deadline)?)).map_err(failed)?;
    socket.connect(address).map_err(failed)?;
    socket.send(&[lead, exchange.send.as_bytes()].concat()).map_err(failed)?;
    let mut datagram = [0; LONGEST_DATAGRAM];
    let length = socket.recv(&mut datagram).map_err(failed)?;
    let answer = datagram[..length].strip_prefix(lead).unwrap_or(&datagram[..length]);
    Ok(answer[..answer.len().min(exchange.receive.len())].to_vec())
}

/// Waits until the service answers anything to what is sent, as long as `lives` does not fail.
pub(crate) fn wait_for_answer(
    address: SocketAddr,
    exchange: &Exchange,
    deadline: Instant,
    mut lives: impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    loop {
        lives()?;
        let soon = deadline.min(Instant::now() + PATIENCE);
        let answer = connect(address, soon).and_then(|mut stream| ask(&mut stream, exchange));
        if answer.is_ok_and(|got| !got.is_empty()) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Failure::TimedOut { waiting_for: format!("an answer of {address}") });
        }
        thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A server that gives each connection this answer to anything.
    fn server(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut question = [0; 64];
                let _ = stream.read(&mut question);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        address
    }

    fn ping() -> Exchange {
        Exchange {
            service: "redis".into(),
            send: "PING\r\n".into(),
            receive: "+PONG\r\n".into(),
            connections: 1,
            datagram: None,
        }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[test]
    fn the_wanted_answer_holds() {
        probe(server("+PONG\r\n"), &ping(), soon()).unwrap();
    }

    #[test]
    fn another_answer_and_a_short_one_fail() {
        for answer in ["-ERR no\r\n", "+PO"] {
            let got = probe(server(answer), &ping(), soon());
            assert!(matches!(got, Err(Failure::Received { .. })), "{got:?}");
        }
    }

    #[test]
    fn connections_are_open_at_once_and_each_is_judged() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            // The second that asks again gets another answer.
            let mut streams: Vec<TcpStream> = Vec::new();
            let mut question = [0; 6];
            for _ in 0..3 {
                let (mut stream, _) = listener.accept().unwrap();
                stream.read_exact(&mut question).unwrap();
                stream.write_all(b"+PONG\r\n").unwrap();
                streams.push(stream);
            }
            for (stream, answer) in streams.iter_mut().zip(["+PONG\r\n", "-BUSY\r\n"]) {
                stream.read_exact(&mut question).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let got = probe(address, &Exchange { connections: 3, ..ping() }, soon());
        assert!(matches!(&got, Err(Failure::Received { got, .. }) if got == "-BUSY\r\n"), "{got:?}");
        server.join().unwrap();
    }

    #[test]
    fn a_datagram_is_answered_by_one_that_begins_alike() {
        for (lead, holds) in [([0, 7], true), ([0, 8], false)] {
            let server = UdpSocket::bind("127.0.0.1:0").unwrap();
            let address = server.local_addr().unwrap();
            thread::spawn(move || {
                let mut question = [0; 64];
                let (length, from) = server.recv_from(&mut question).unwrap();
                assert_eq!(&question[..length], b"\0\x07PING\r\n");
                server.send_to(&[&lead[..], b"+PONG\r\n"].concat(), from).unwrap();
            });
            let got = probe(address, &Exchange { datagram: Some(vec![0, 7]), ..ping() }, soon());
            assert_eq!(got.is_ok(), holds, "{got:?}");
        }
    }

    #[test]
    fn a_service_that_says_nothing_is_waited_for_until_the_deadline() {
        let deadline = Instant::now() + Duration::from_millis(200);
        let waited = wait_for_answer(server(""), &ping(), deadline, || Ok(()));
        assert!(matches!(waited, Err(Failure::TimedOut { .. })), "{waited:?}");
    }
}
