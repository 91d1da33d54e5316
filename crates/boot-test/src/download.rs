//! A client that is in the middle of an answer.

use std::net::SocketAddr;
use std::time::Instant;

use crate::Failure;
use crate::http::Connection;

/// What it takes at first, in bytes.
const MOUTHFUL: u64 = 64 * 1024;

/// An answer that has begun.
pub(crate) struct Begun {
    connection: Connection,
    /// Bytes of it that are still to come.
    left: u64,
}

/// Asks for `path`, and takes the first of the answer.
pub(crate) fn begin(address: SocketAddr, path: &str, deadline: Instant) -> Result<Begun, Failure> {
    let mut connection = Connection::open(address, deadline)?;
    connection.get(path)?;
    let answer = connection.receive_head()?;
    if answer.status != 200 {
        return Err(Failure::Status { got: answer.status, wanted: 200 });
    }
    connection.take(MOUTHFUL)?;
    Ok(Begun { connection, left: answer.length.saturating_sub(MOUTHFUL) })
}

impl Begun {
    /// Takes the rest. The server is gone, so it is cut short; one that came whole was never in the middle.
    pub(crate) fn ends_cut(mut self) -> Result<(), Failure> {
        match self.connection.take(self.left) {
            Ok(()) => Err(Failure::NotCut),
            Err(error) if error.is_late() => Err(error),
            Err(_) => Ok(()),
        }
    }
}
