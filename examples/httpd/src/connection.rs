//! One client: what it sent that is not answered yet, and what of the answer is not sent yet.

use alloc::vec::Vec;

use iface_filesystem::FileSystem;
use iface_net_stack::{Instant, NetStack, Readiness, Socket, SocketError};

use crate::{
    request::{self, MAX_HEAD},
    site::{self, Body},
};

/// Bytes of a body that are sent in one piece with the head, so that a small answer is one segment.
const INLINE_BODY: usize = 2048;

/// Bytes of a file that are read at once.
const FILE_PIECE: usize = 4096;

/// How often one connection is received from before the others have their turn.
const TURNS: usize = 16;

/// Memory that is used while one connection is served, and shared by all.
pub struct Scratch {
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Scratch {
    pub fn new() -> Self {
        Self { input: alloc::vec![0; MAX_HEAD], output: Vec::with_capacity(FILE_PIECE) }
    }
}

/// What a connection waits for after it was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The socket.
    Wait(Readiness),
    /// Nothing: it is over.
    Over,
}

/// A client's connection.
pub struct Connection {
    pub socket: Socket,
    /// When the client was accepted, or last took a part of an answer. What it sends counts once it is a whole request:
    /// one that sends a byte now and then makes no progress.
    pub active: Instant,
    /// Whether the client took a part of an answer since the server looked.
    pub advanced: bool,
    /// What the stack was asked to watch for.
    pub interest: Readiness,
    /// What came and is not answered; empty, and without memory, between requests.
    received: Vec<u8>,
    /// Whether `received` may hold a whole request, which waits for the answer before it to be sent.
    pipelined: bool,
    /// What goes out before `body`; empty, and without memory, while the client keeps up.
    unsent: Vec<u8>,
    body: Body,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Requests are answered.
    Open,
    /// The last answer is being sent.
    Last,
    /// All is sent; what still comes is thrown away, so that the answer is not lost to a reset.
    Draining,
}

impl Connection {
    pub fn new(socket: Socket, now: Instant) -> Self {
        Self {
            socket,
            active: now,
            advanced: false,
            interest: Readiness::NONE,
            received: Vec::new(),
            pipelined: false,
            unsent: Vec::new(),
            body: Body::Empty,
            phase: Phase::Open,
        }
    }

    /// Whether all is answered, and no whole request has come since.
    pub fn is_idle(&self) -> bool {
        self.phase != Phase::Last && !self.pipelined && self.is_sent()
    }

    fn is_sent(&self) -> bool {
        self.unsent.is_empty() && self.body == Body::Empty
    }

    /// Answers as much as can be now. `date` is in seconds since 1970-01-01 00:00 UTC.
    pub fn serve<N: NetStack, F: FileSystem>(
        &mut self,
        stack: N,
        files: F,
        date: Option<u64>,
        scratch: &mut Scratch,
    ) -> Next {
        for _ in 0..TURNS {
            match self.turn(stack, files, date, scratch) {
                Ok(true) => {}
                Ok(false) => return Next::Over,
                Err(SocketError::WouldBlock) if self.is_sent() => return Next::Wait(Readiness::READABLE),
                Err(SocketError::WouldBlock) => return Next::Wait(Readiness::WRITABLE),
                Err(_) => return Next::Over,
            }
        }
        // Whether there is more to read or to answer, it goes on once the others had their turn.
        Next::Wait(if self.pipelined { Readiness::WRITABLE } else { Readiness::READABLE })
    }

    /// Sends what is to be sent, then takes and answers what came. False when the connection is over.
    fn turn<N: NetStack, F: FileSystem>(
        &mut self,
        stack: N,
        files: F,
        date: Option<u64>,
        scratch: &mut Scratch,
    ) -> Result<bool, SocketError> {
        self.send(stack, files, scratch)?;
        if self.phase == Phase::Last {
            self.phase = Phase::Draining;
            stack.shutdown(self.socket)?;
        }
        let length = self.take(stack, scratch)?;
        if length > 0 && self.phase == Phase::Open {
            self.answer(files, date, length, scratch);
            self.send_answers(stack, &scratch.output)?;
        }
        Ok(length > 0)
    }

    /// Puts what was kept, and what comes now, at the start of the input, and says how long it is: 0 at the end, which
    /// in the middle of a request leaves nothing to answer.
    fn take<N: NetStack>(&mut self, stack: N, scratch: &mut Scratch) -> Result<usize, SocketError> {
        let kept = self.received.len();
        scratch.input[..kept].copy_from_slice(&self.received);
        if core::mem::take(&mut self.pipelined) {
            self.received = Vec::new();
            return Ok(kept);
        }
        let length = stack.recv(self.socket, &mut scratch.input[kept..])?;
        self.received = Vec::new();
        Ok(if length == 0 { 0 } else { kept + length })
    }

    /// Answers the requests in the first `length` bytes of the input, up to the first whose body is sent on its own.
    fn answer<F: FileSystem>(&mut self, files: F, date: Option<u64>, length: usize, scratch: &mut Scratch) {
        let Scratch { input, output } = scratch;
        let mut rest = &input[..length];
        output.clear();
        while !rest.is_empty() && self.phase == Phase::Open {
            if self.body != Body::Empty || output.len() > MAX_HEAD {
                self.pipelined = true;
                break;
            }
            let (body, persistent) = match request::parse(rest) {
                request::Head::Partial => break,
                request::Head::Whole(request, length) => {
                    rest = &rest[length..];
                    (site::answer(files, &request, date, output), request.persistent)
                }
                request::Head::Refused(status) => (site::refuse(status, false, date, output), false),
            };
            self.body = inline(body, output);
            if !persistent {
                self.phase = Phase::Last;
            }
        }
        if self.phase == Phase::Open && !rest.is_empty() {
            self.received = rest.to_vec();
        }
    }

    /// Sends the answers just written, and keeps what the client does not take.
    fn send_answers<N: NetStack>(&mut self, stack: N, output: &[u8]) -> Result<(), SocketError> {
        let sent = send_some(stack, self.socket, output)?;
        self.advanced |= sent > 0;
        if sent < output.len() {
            self.unsent = output[sent..].to_vec();
            return Err(SocketError::WouldBlock);
        }
        Ok(())
    }

    /// Sends what is left of earlier answers. `WouldBlock` while some is left.
    fn send<N: NetStack, F: FileSystem>(
        &mut self,
        stack: N,
        files: F,
        scratch: &mut Scratch,
    ) -> Result<(), SocketError> {
        if !self.unsent.is_empty() {
            let unsent = core::mem::take(&mut self.unsent);
            self.send_answers(stack, &unsent)?;
        }
        loop {
            match &mut self.body {
                Body::Empty => return Ok(()),
                Body::Memory(bytes) => {
                    let sent = send_some(stack, self.socket, bytes)?;
                    self.advanced |= sent > 0;
                    *bytes = &bytes[sent..];
                    if !bytes.is_empty() {
                        return Err(SocketError::WouldBlock);
                    }
                    self.body = Body::Empty;
                }
                Body::File(node, range) => {
                    let left = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
                    let piece = &mut scratch.input[..left.min(FILE_PIECE)];
                    // A file that cannot be read to the length that was announced ends the connection: the client
                    // sees that the answer is not whole.
                    let length = files.read(*node, range.start, piece).map_err(|_| SocketError::Closed)?;
                    let sent = send_some(stack, self.socket, &piece[..length])?;
                    self.advanced |= sent > 0;
                    range.start += sent as u64;
                    if length == 0 {
                        return Err(SocketError::Closed);
                    } else if sent < length {
                        return Err(SocketError::WouldBlock);
                    } else if range.is_empty() {
                        self.body = Body::Empty;
                    }
                }
            }
        }
    }
}

/// Sends as many of `bytes` as the stack takes now, perhaps none.
fn send_some<N: NetStack>(stack: N, socket: Socket, bytes: &[u8]) -> Result<usize, SocketError> {
    let mut sent = 0;
    while sent < bytes.len() {
        match stack.send(socket, &bytes[sent..]) {
            Ok(taken) => sent += taken,
            Err(SocketError::WouldBlock) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}

/// Appends a short body that lies in memory to the head in `output`.
fn inline(body: Body, output: &mut Vec<u8>) -> Body {
    match body {
        Body::Memory(bytes) if bytes.len() <= INLINE_BODY => {
            output.extend_from_slice(bytes);
            Body::Empty
        }
        body => body,
    }
}
