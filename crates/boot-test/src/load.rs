//! Many requests: one after another, and at once.

use std::net::SocketAddr;
use std::time::Instant;

use crate::http::{Answer, Connection};
use crate::{Failure, Load};

/// All of `load.sequence` over one connection, which is opened again only where the server says that it closes.
pub(crate) fn in_sequence(address: SocketAddr, load: &Load, deadline: Instant) -> Result<(), Failure> {
    let mut kept = None;
    let mut length = None;
    for request in 1..=load.sequence {
        let mut exchange = || {
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => Connection::open(address, deadline)?,
            };
            connection.get(&load.path)?;
            let answer = connection.receive()?;
            if !answer.closes {
                kept = Some(connection);
            }
            judge(&answer, &mut length)
        };
        exchange().map_err(|cause| Failure::Load { request, cause: Box::new(cause) })?;
    }
    Ok(())
}

/// Opens all of `load.connections`, then asks on every one, then receives from every one.
///
/// Each has answered once before the next is opened: QEMU accepts forwarded connections one by one, with a queue of one
/// behind it, and the host would forget those of a burst.
pub(crate) fn at_once(address: SocketAddr, load: &Load, deadline: Instant) -> Result<(), Failure> {
    let numbered = |request| move |cause| Failure::Load { request, cause: Box::new(cause) };
    let mut length = None;
    let mut connections = Vec::new();
    for request in 1..=load.connections {
        let opened = open_and_ask(address, load, deadline, &mut length);
        connections.push((request, opened.map_err(numbered(request))?));
    }
    for (request, connection) in &mut connections {
        connection.get(&load.path).map_err(numbered(*request))?;
    }
    for (request, connection) in &mut connections {
        let judged = connection.receive().and_then(|answer| judge(&answer, &mut length));
        judged.map_err(numbered(*request))?;
    }
    Ok(())
}

/// Opens `load.visits` connections one after another, and closes each after one answer.
pub(crate) fn visits(address: SocketAddr, load: &Load, deadline: Instant) -> Result<(), Failure> {
    let mut length = None;
    for request in 1..=load.visits {
        open_and_ask(address, load, deadline, &mut length)
            .map_err(|cause| Failure::Load { request, cause: Box::new(cause) })?;
    }
    Ok(())
}

/// A connection that has answered once.
fn open_and_ask(
    address: SocketAddr,
    load: &Load,
    deadline: Instant,
    length: &mut Option<u64>,
) -> Result<Connection, Failure> {
    let mut connection = Connection::open(address, deadline)?;
    connection.get(&load.path)?;
    judge(&connection.receive()?, length)?;
    Ok(connection)
}

/// Status 200, and as long as the first answer.
fn judge(answer: &Answer, length: &mut Option<u64>) -> Result<(), Failure> {
    if answer.status != 200 {
        return Err(Failure::Status { got: answer.status, wanted: 200 });
    }
    let wanted = *length.get_or_insert(answer.length);
    if answer.length == wanted { Ok(()) } else { Err(Failure::Length { got: answer.length, wanted }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;
    use std::time::Duration;

    /// A server that answers each connection in a thread, and closes it after so many answers.
    fn server(answers_per_connection: usize, answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                thread::spawn(move || serve(stream, answers_per_connection, answer));
            }
        });
        address
    }

    fn serve(mut stream: TcpStream, answers: usize, answer: &str) {
        for _ in 0..answers {
            let mut request = [0; 512];
            if stream.read(&mut request).unwrap_or(0) == 0 {
                return;
            }
            stream.write_all(answer.as_bytes()).unwrap();
        }
    }

    fn load(sequence: u32, connections: u32) -> Load {
        Load { service: "http".into(), path: "/".into(), sequence, connections, visits: 0 }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    #[test]
    fn a_kept_connection_serves_the_whole_sequence() {
        assert!(in_sequence(server(500, ANSWER), &load(500, 0), soon()).is_ok());
    }

    #[test]
    fn a_connection_lost_in_the_sequence_is_told_with_its_request() {
        let lost = in_sequence(server(3, ANSWER), &load(10, 0), soon());
        assert!(matches!(lost, Err(Failure::Load { request: 4, .. })), "{lost:?}");
    }

    #[test]
    fn a_server_may_close_when_it_says_so() {
        let address = server(1, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        assert!(in_sequence(address, &load(3, 0), soon()).is_ok());
    }

    #[test]
    fn all_connections_are_open_at_once() {
        assert!(at_once(server(2, ANSWER), &load(0, 100), soon()).is_ok());
    }

    #[test]
    fn every_visit_has_a_connection_of_its_own() {
        let load = Load { visits: 50, ..load(0, 0) };
        assert!(visits(server(1, ANSWER), &load, soon()).is_ok());
        let refused = visits(server(1, "HTTP/1.1 503 Busy\r\n\r\n"), &load, soon());
        assert!(matches!(refused, Err(Failure::Load { request: 1, .. })), "{refused:?}");
    }

    #[test]
    fn a_connection_that_is_gone_before_all_are_asked_fails() {
        assert!(at_once(server(1, ANSWER), &load(0, 2), soon()).is_err());
    }

    #[test]
    fn a_refusal_among_the_answers_fails() {
        let refused = at_once(server(1, "HTTP/1.1 503 Busy\r\n\r\n"), &load(0, 2), soon());
        assert!(matches!(refused, Err(Failure::Load { request: 1, .. })), "{refused:?}");
    }
}
