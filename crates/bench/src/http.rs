//! A client of HTTP whose connections cost a server the same packets each time.
//!
//! How many packets a request takes depends on when the client acknowledges: by itself as soon as it has an answer, or with its
//! next request. Linux decides that by how the connection went so far, which made figures of the same server differ by some
//! per cent. These connections acknowledge with what they send next (tcp(7), `TCP_QUICKACK`), the third packet of their
//! handshake included.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use boot_test::Connection;
use rustix::net::{AddressFamily, RecvFlags, Shutdown, SocketType};

use crate::error::Error;
use crate::server::{ATTEMPT, Server};

/// How long a first answer may take on a connection that was made.
const FIRST_ANSWER: Duration = Duration::from_secs(2);

/// What is behind the head of an answer.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Whether there is an answer, and soon.
pub fn answers(address: SocketAddr) -> bool {
    let Ok(stream) = TcpStream::connect_timeout(&address, ATTEMPT) else { return false };
    let mut connection = Connection::over(stream, Instant::now() + FIRST_ANSWER);
    let answer = connection.get("/").and_then(|()| connection.receive());
    answer.is_ok_and(|answer| answer.status == 200)
}

/// What a server has at `/`.
pub fn page(server: &Server) -> Result<Vec<u8>, Error> {
    let mut answer = Vec::new();
    let asked = TcpStream::connect(server.address).and_then(|mut stream| {
        stream.set_read_timeout(Some(FIRST_ANSWER))?;
        stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        stream.read_to_end(&mut answer)
    });
    asked.map_err(|error| server.failed(&error.to_string()))?;
    let head = answer.windows(HEAD_END.len()).position(|window| window == HEAD_END);
    match head {
        Some(end) => Ok(answer.split_off(end + HEAD_END.len())),
        None => Err(server.failed("its answer is not HTTP")),
    }
}

/// A connection for requests until then.
pub fn connect(server: &Server, limit: Duration) -> Result<Connection, Error> {
    Connection::open(server.address, Instant::now() + limit)
        .map_err(|failure| server.failed(&failure.to_string()))
}

/// Asks for a file on a connection, and returns the length of its body.
pub fn get(server: &Server, connection: &mut Connection, path: &str) -> Result<u64, Error> {
    let answer = connection.get(path).and_then(|()| connection.receive());
    let answer = answer.map_err(|failure| server.failed(&failure.to_string()))?;
    if answer.status == 200 {
        Ok(answer.length)
    } else {
        Err(server.failed(&format!("status {} for {path}", answer.status)))
    }
}

/// So many requests for `/`, each when the one before is answered, on a connection that costs the same each time.
pub fn steady_requests(server: &Server, connection: &mut Connection, requests: u32) -> Result<(), Error> {
    for _ in 0..requests {
        get(server, connection, "/")?;
    }
    Ok(())
}

/// So many connections, one after the other, with one request each, and an end that both have seen.
pub fn steady_connections(server: &Server, connections: u32, limit: Duration) -> Result<(), Error> {
    for _ in 0..connections {
        let mut connection = steady_connection(server, limit)?;
        get(server, &mut connection, "/")?;
        hang_up(&connection).map_err(|error| server.failed(&error.to_string()))?;
        drop(connection);
    }
    Ok(())
}

/// A connection that acknowledges with what it sends next.
pub fn steady_connection(server: &Server, limit: Duration) -> Result<Connection, Error> {
    let connected = || -> rustix::io::Result<TcpStream> {
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
        rustix::net::sockopt::set_tcp_quickack(&socket, false)?;
        rustix::net::connect(&socket, &server.address)?;
        Ok(TcpStream::from(socket))
    };
    let stream = connected().map_err(|error| server.failed(&error.to_string()))?;
    Ok(Connection::over(stream, Instant::now() + limit))
}

/// Says that nothing more comes, and waits until the server has closed too.
fn hang_up(connection: &Connection) -> rustix::io::Result<()> {
    let stream = connection.stream();
    rustix::net::shutdown(stream, Shutdown::Write)?;
    while rustix::net::recv(stream, &mut [0_u8; 64], RecvFlags::empty())?.1 > 0 {}
    Ok(())
}
