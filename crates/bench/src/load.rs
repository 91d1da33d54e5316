//! Load on a server of HTTP: `wrk`, and connections that do nothing.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use boot_test::Connection;

use crate::command::Program;
use crate::error::Error;
use crate::server::Server;

/// Beyond the time that `wrk` was given.
const GRACE: Duration = Duration::from_secs(20);
/// For opening one connection of many, with its request.
const OPENING: Duration = Duration::from_secs(10);

/// What `wrk` measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    pub requests: f64,
    pub requests_per_second: f64,
    /// Requests that failed, of whatever kind.
    pub errors: u64,
}

/// Asks for `/` over so many connections, each with its next request as soon as it has an answer.
pub fn wrk(address: SocketAddr, connections: u32, seconds: u32) -> Result<Load, Error> {
    let limit = Duration::from_secs(seconds.into()) + GRACE;
    let wrk = Program::new("wrk", limit)
        .args(["--threads", "1", "--timeout", "10s", "--connections", &connections.to_string()])
        .args(["--duration", &format!("{seconds}s"), &format!("http://{address}/")]);
    let told = wrk.output()?;
    parse(&told).ok_or(Error::Answer { of: "wrk", text: told })
}

/// The same where no request failed.
pub fn faultless(server: &Server, connections: u32, seconds: u32) -> Result<Load, Error> {
    let load = wrk(server.address, connections, seconds)?;
    match load.errors {
        0 if load.requests > f64::from(connections) => Ok(load),
        errors => {
            let why = format!("wrk -c{connections}: {errors} errors, {} requests", load.requests);
            Err(server.failed(&why))
        }
    }
}

fn parse(told: &str) -> Option<Load> {
    let lines = || told.lines().map(str::trim);
    let requests = lines().find_map(|line| line.split_once(" requests in ")?.0.parse().ok())?;
    let rate = lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok())?;
    let numbers = |line: &str| {
        line.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse::<u64>().ok()).sum::<u64>()
    };
    let sockets = lines().find_map(|line| line.strip_prefix("Socket errors:")).map_or(0, numbers);
    let statuses = lines().find_map(|line| line.strip_prefix("Non-2xx or 3xx responses:")).map_or(0, numbers);
    Some(Load { requests, requests_per_second: rate, errors: sockets + statuses })
}

/// Connections that were used once and are kept.
pub struct Idle(Vec<Connection>);

impl Idle {
    /// Opens so many, with one request on each.
    pub fn open(server: &Server, connections: usize) -> Result<Self, Error> {
        let mut idle = Vec::with_capacity(connections);
        for opened in 0..connections {
            match open_one(server) {
                Some(connection) => idle.push(connection),
                None => {
                    return Err(server.failed(&format!("takes {opened} of {connections} idle connections")));
                }
            }
        }
        Ok(Self(idle))
    }

    /// How many the server has not closed.
    pub fn still_open(&self) -> usize {
        self.0.iter().filter(|connection| is_open(connection)).count()
    }
}

fn open_one(server: &Server) -> Option<Connection> {
    let mut connection = Connection::open(server.address, Instant::now() + OPENING).ok()?;
    let asked = connection.get("/").and_then(|()| connection.receive());
    asked.is_ok_and(|answer| answer.status == 200).then_some(connection)
}

/// Nothing to read is an open connection; its end is something to read.
fn is_open(connection: &Connection) -> bool {
    let stream = connection.stream();
    let peeked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
    matches!(peeked, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    const TOLD: &str = "Running 5s test @ http://10.99.0.2/\n  1 threads and 30 connections\n\
        \x20 Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency     2.70ms  364.00us  11.05ms   88.51%\n\
        \x20 55520 requests in 5.00s, 45.11MB read\nRequests/sec:  11101.43\nTransfer/sec:      9.02MB\n";

    #[test]
    fn the_figures_of_wrk_are_read() {
        let load = Load { requests: 55520.0, requests_per_second: 11101.43, errors: 0 };
        assert_eq!(parse(TOLD), Some(load));
        assert_eq!(parse("unable to connect to 10.99.0.2:80"), None);
    }

    #[test]
    fn errors_of_every_kind_count() {
        let told = format!(
            "{TOLD}  Socket errors: connect 1, read 20, write 0, timeout 3\n  Non-2xx or 3xx responses: 5\n"
        );
        assert_eq!(parse(&told).unwrap().errors, 29);
    }

    #[test]
    fn a_connection_is_open_until_the_server_closes_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (peer, _) = listener.accept().unwrap();
        let connection = Connection::over(stream, Instant::now() + Duration::from_secs(5));
        assert!(is_open(&connection));
        drop(peer);
        let end = Instant::now() + Duration::from_secs(5);
        while is_open(&connection) && Instant::now() < end {
            std::thread::yield_now();
        }
        assert!(!is_open(&connection));
    }
}
