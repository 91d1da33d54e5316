//! One connection: requests one after another, each answered in full before the next is read.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::request::{Parsed, Request};
use crate::response::{Response, Status};
use crate::site::Site;

/// A head is longer than that in no request that is served here.
const LONGEST_HEAD: usize = 8192;
/// Who sends nothing for this time is not waited for.
const IDLE: Duration = Duration::from_secs(10);
/// A thread looks that often whether others want it, while its connection has no further request.
const TURN: Duration = Duration::from_millis(100);

/// Answers the requests of a connection until it is closed. `others_wait` tells whether others want this thread.
pub fn answer(mut stream: &TcpStream, site: &Site, others_wait: &dyn Fn() -> bool) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TURN))?;
    let mut head = Vec::new();
    // Who was answered already gives way to others; who was not has to be heard.
    let mut gives_way: &dyn Fn() -> bool = &|| false;
    loop {
        let Some(parsed) = read_head(stream, &mut head, gives_way)? else {
            return Ok(());
        };
        let (response, keep) = match &parsed {
            Parsed::Whole(request) => (site.answer(request), request.keep_alive && !others_wait()),
            Parsed::Bad => (Response::text(Status::BadRequest), false),
        };
        let without_body = matches!(&parsed, Parsed::Whole(request) if request.method == "HEAD");
        stream.write_all(&response.bytes(keep, without_body))?;
        if !keep {
            return Ok(());
        }
        gives_way = others_wait;
    }
}

/// Reads up to the end of a request's head, and leaves in `head` what follows it. None where there is no further request, or
/// when `gives_way` before one has begun.
fn read_head(
    mut stream: &TcpStream,
    head: &mut Vec<u8>,
    gives_way: &dyn Fn() -> bool,
) -> io::Result<Option<Parsed>> {
    let mut heard = Instant::now();
    loop {
        if let Some((parsed, length)) = Request::parse(head) {
            head.drain(..length);
            return Ok(Some(parsed));
        }
        if head.len() >= LONGEST_HEAD {
            return Ok(Some(Parsed::Bad));
        }
        let mut piece = [0; 1024];
        match stream.read(&mut piece) {
            Ok(0) => return Ok(None),
            Ok(length) => {
                head.extend_from_slice(&piece[..length]);
                heard = Instant::now();
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if heard.elapsed() >= IDLE || head.is_empty() && gives_way() {
                    return Ok(None);
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;

    /// Who connects to this is answered by a thread that others want.
    fn in_demand() -> TcpStream {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        thread::spawn(move || answer(&server, &Site::new("www".into()), &|| true));
        client
    }

    fn all(client: &TcpStream) -> Vec<String> {
        BufReader::new(client).lines().map(Result::unwrap).collect()
    }

    #[test]
    fn who_was_not_heard_is_waited_for() {
        let mut client = in_demand();
        thread::sleep(3 * TURN);
        client.write_all(b"GET /absent HT").unwrap();
        thread::sleep(3 * TURN);
        client.write_all(b"TP/1.1\r\n\r\n").unwrap();
        let answer = all(&client);
        assert_eq!(answer[0], "HTTP/1.1 404 Not Found");
        assert!(answer.contains(&"Connection: close".to_owned()), "{answer:?}");
    }

    #[test]
    fn a_head_without_end_is_refused() {
        let mut client = in_demand();
        // No byte more: what is not read is a reset, which takes the answer with it.
        client.write_all(format!("GET /{}", "a".repeat(LONGEST_HEAD - 5)).as_bytes()).unwrap();
        assert_eq!(all(&client)[0], "HTTP/1.1 400 Bad Request");
    }
}
