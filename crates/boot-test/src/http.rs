//! A small HTTP/1.1 client (RFC 9112) for what curl cannot do: malformed requests, and many connections at once.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;

/// Headers longer than this many bytes are an error of the server.
const LONGEST_HEAD: u64 = 64 * 1024;

/// Bytes of a body that are asked for at a time: a server is not to wait for the client to ask again.
const PIECE: u64 = 256 * 1024;

/// Pause between questions.
const POLL: Duration = Duration::from_millis(10);
/// How long the first question may take, and at most a later one.
const FIRST_PATIENCE: Duration = Duration::from_millis(500);
const LONGEST_PATIENCE: Duration = Duration::from_secs(8);

/// A connection to a server.
pub struct Connection {
    stream: BufReader<TcpStream>,
    deadline: Instant,
}

/// An answer without its body.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Length of the body in bytes.
    pub length: u64,
    /// Whether the server closes the connection after it.
    pub closes: bool,
}

impl Connection {
    /// Connects, and gives up at the deadline, here and later.
    ///
    /// # Errors
    /// That there is no connection in time.
    pub fn open(address: SocketAddr, deadline: Instant) -> Result<Self, Failure> {
        let stream = TcpStream::connect_timeout(&address, time_left(deadline)?)
            .map_err(|error| Failure::from_socket(&error))?;
        Ok(Self::over(stream, deadline))
    }

    /// Takes a stream that is connected already.
    pub fn over(stream: TcpStream, deadline: Instant) -> Self {
        // A request is written at once; waiting for more would only delay it.
        let _ = stream.set_nodelay(true);
        Self { stream: BufReader::new(stream), deadline }
    }

    /// Sends a well-formed GET that keeps the connection open.
    ///
    /// # Errors
    /// That the server does not take it in time.
    pub fn get(&mut self, path: &str) -> Result<(), Failure> {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.limit_waiting()?;
        self.stream.get_mut().write_all(bytes).map_err(|error| Failure::from_socket(&error))
    }

    /// Receives one answer and throws its body away.
    ///
    /// # Errors
    /// That nothing comes in time, or no answer, or less of it than announced.
    pub fn receive(&mut self) -> Result<Answer, Failure> {
        let answer = self.receive_head()?;
        self.take(answer.length)?;
        Ok(answer)
    }

    /// Receives a piece of a body, and throws it away.
    pub(crate) fn take(&mut self, length: u64) -> Result<(), Failure> {
        self.limit_waiting()?;
        let mut piece = vec![0; length.min(PIECE) as usize];
        let mut left = length;
        while left > 0 {
            let wanted = left.min(PIECE) as usize;
            match self.stream.read(&mut piece[..wanted]).map_err(|error| Failure::from_socket(&error))? {
                0 => return Err(Failure::Length { got: length - left, wanted: length }),
                got => left -= got as u64,
            }
        }
        Ok(())
    }

    /// Receives the status line and the headers.
    pub(crate) fn receive_head(&mut self) -> Result<Answer, Failure> {
        self.limit_waiting()?;
        let mut head = self.stream.by_ref().take(LONGEST_HEAD);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            head.read_line(&mut line).map_err(|error| Failure::from_socket(&error))?;
            match line.trim_end() {
                "" if line.is_empty() => return Err(Failure::Client("the connection was closed".into())),
                "" => return parse_head(&lines),
                text => lines.push(text.to_owned()),
            }
        }
    }

    /// What was connected, for who asks the system about it.
    pub fn stream(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    fn limit_waiting(&mut self) -> Result<(), Failure> {
        let left = Some(time_left(self.deadline)?);
        let stream = self.stream.get_ref();
        stream
            .set_read_timeout(left)
            .and_then(|()| stream.set_write_timeout(left))
            .map_err(|error| Failure::from_socket(&error))
    }
}

/// Waits until something there answers HTTP, as long as `lives` does not fail.
///
/// QEMU accepts a forwarded connection before its guest is up, and passes it on after seconds: a new one is faster.
///
/// # Errors
///
/// That of `lives`, or that the time was over.
pub fn wait_for_answer(
    address: SocketAddr,
    deadline: Instant,
    mut lives: impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut patience = FIRST_PATIENCE;
    loop {
        lives()?;
        if answers(address, patience) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Failure::TimedOut { waiting_for: format!("an answer of http://{address}/") });
        }
        thread::sleep(POLL);
        patience = (patience * 2).min(LONGEST_PATIENCE);
    }
}

/// Whether anything there speaks HTTP within the time.
fn answers(address: SocketAddr, patience: Duration) -> bool {
    let asked = Connection::open(address, Instant::now() + patience).and_then(|mut connection| {
        connection.get("/")?;
        connection.receive_head()
    });
    asked.is_ok()
}

/// Sends bytes that need not be a request; the answer's status is judged.
pub(crate) fn probe_raw(
    address: SocketAddr,
    raw: &str,
    wanted: u16,
    deadline: Instant,
) -> Result<(), Failure> {
    let mut connection = Connection::open(address, deadline)?;
    connection.send(raw.as_bytes())?;
    let got = connection.receive_head()?.status;
    if got == wanted { Ok(()) } else { Err(Failure::Status { got, wanted }) }
}

/// The time until then, or the error that there is none.
fn time_left(deadline: Instant) -> Result<Duration, Failure> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Failure::TimedOut { waiting_for: "the network".into() }) } else { Ok(left) }
}

fn parse_head(lines: &[String]) -> Result<Answer, Failure> {
    let (status_line, headers) =
        lines.split_first().ok_or_else(|| Failure::NotHttp("no status line".into()))?;
    let status = status_line
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1)?.parse().ok())
        .ok_or_else(|| Failure::NotHttp(format!("{status_line:?}")))?;
    let mut answer = Answer { status, length: 0, closes: false };
    for (name, value) in headers.iter().filter_map(|line| line.split_once(':')) {
        match name.to_ascii_lowercase().as_str() {
            "content-length" => {
                answer.length =
                    value.trim().parse().map_err(|_| Failure::NotHttp(format!("length {value:?}")))?;
            }
            "connection" => answer.closes = value.trim().eq_ignore_ascii_case("close"),
            "transfer-encoding" => return Err(Failure::NotHttp("a body in chunks".into())),
            _ => {}
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Answer, Failure> {
        parse_head(&text.lines().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn status_length_and_connection_are_read() {
        let answer = head("HTTP/1.1 404 Not Found\nCONTENT-LENGTH: 9\nConnection: Close").unwrap();
        assert_eq!(answer, Answer { status: 404, length: 9, closes: true });
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for text in ["", "SSH-2.0-x", "HTTP/1.1", "HTTP/1.1 200 OK\ncontent-length: -1"] {
            assert!(matches!(head(text), Err(Failure::NotHttp(_))), "{text}");
        }
    }

    #[test]
    fn chunks_are_refused_rather_than_misread() {
        assert!(head("HTTP/1.1 200 OK\nTransfer-Encoding: chunked").is_err());
    }
}
