//! What is not HTTP: bytes that are sent, and those that come back.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Exchange, Failure};

/// Pause between questions.
const POLL: Duration = Duration::from_millis(50);
/// How long a question waits before a new connection is tried.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sends on a new connection, and judges what is received.
pub(crate) fn probe(address: SocketAddr, exchange: &Exchange, deadline: Instant) -> Result<(), Failure> {
    let got = ask(address, exchange, deadline)?;
    let wanted = exchange.receive.as_bytes();
    if got == wanted {
        return Ok(());
    }
    let got = String::from_utf8_lossy(&got).into_owned();
    Err(Failure::Received { got, wanted: exchange.receive.clone() })
}

/// As many bytes of the answer as are wanted, or fewer where the connection ended before.
fn ask(address: SocketAddr, exchange: &Exchange, deadline: Instant) -> Result<Vec<u8>, Failure> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Failure::TimedOut { waiting_for: "the network".into() });
    }
    let failed = |error: std::io::Error| Failure::from_socket(&error);
    let mut stream = TcpStream::connect_timeout(&address, left).map_err(failed)?;
    stream.set_read_timeout(Some(left)).map_err(failed)?;
    stream.write_all(exchange.send.as_bytes()).map_err(failed)?;
    let mut got = Vec::new();
    stream.take(exchange.receive.len() as u64).read_to_end(&mut got).map_err(failed)?;
    Ok(got)
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
        if ask(address, exchange, soon).is_ok_and(|got| !got.is_empty()) {
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
        Exchange { service: "redis".into(), send: "PING\r\n".into(), receive: "+PONG\r\n".into() }
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
    fn a_service_that_says_nothing_is_waited_for_until_the_deadline() {
        let deadline = Instant::now() + Duration::from_millis(200);
        let waited = wait_for_answer(server(""), &ping(), deadline, || Ok(()));
        assert!(matches!(waited, Err(Failure::TimedOut { .. })), "{waited:?}");
    }
}
