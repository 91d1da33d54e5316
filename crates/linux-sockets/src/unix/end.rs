//! One end of a conversation: what its socket and its peer's share.

use alloc::collections::VecDeque;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::ops::Range;

use iface_sockets::Type;
use open_file::{Address, Beside, Errno, Half, Readiness, Received, Watchers};

use super::names::Name;
use super::passed::Passed;

/// Bytes that wait at an end for being read (`net.core.wmem_default` of Linux).
const CAPACITY: usize = 212_992;
/// Messages that wait.
const MESSAGES: usize = 256;
/// The longest queue of connections (`net.core.somaxconn`).
const LONGEST_BACKLOG: usize = 4096;

/// How far an end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Neither of these.
    Idle,
    Listening,
    /// With a peer, which may be closed.
    Connected,
}

/// A message that waits.
struct Message {
    bytes: Vec<u8>,
    /// The name of who sent it.
    from: Vec<u8>,
    passed: Passed,
}

/// What was passed with a piece of a stream: by numbers of its bytes from the stream's beginning.
struct Mark {
    bytes: Range<u64>,
    passed: Passed,
}

/// An end.
pub struct End {
    pub kind: Type,
    /// Whoever waits for its socket.
    pub watchers: Watchers,
    phase: Cell<Phase>,
    name: RefCell<Vec<u8>>,
    /// What it is found by, and the address that brought it, which holds its file.
    known: RefCell<Option<(Name, Address)>>,
    /// Each holds the other until its own socket is closed.
    peer: RefCell<Option<Rc<End>>>,
    /// What waits to be read from a stream.
    bytes: RefCell<VecDeque<u8>>,
    /// How many were read before those, and what was passed with some of those.
    read: Cell<u64>,
    marks: RefCell<VecDeque<Mark>>,
    /// What waits to be read from another, and its length.
    messages: RefCell<VecDeque<Message>>,
    held: Cell<usize>,
    /// Connections that wait to be accepted, and how many may.
    arrivals: RefCell<VecDeque<Rc<End>>>,
    backlog: Cell<usize>,
    /// Those that would have arrived had there been a place.
    turned_away: RefCell<Vec<Weak<End>>>,
    no_reading: Cell<bool>,
    no_writing: Cell<bool>,
    error: Cell<Option<Errno>>,
    closed: Cell<bool>,
    /// How many descriptors of its socket are on their way.
    flying: Cell<usize>,
    /// Who listened where it arrived, until it is accepted.
    listener: RefCell<Weak<Self>>,
}

impl End {
    /// One without a peer.
    pub fn new(kind: Type) -> Self {
        Self {
            kind,
            watchers: Watchers::new(),
            phase: Cell::new(Phase::Idle),
            name: RefCell::default(),
            known: RefCell::default(),
            peer: RefCell::default(),
            bytes: RefCell::default(),
            read: Cell::new(0),
            marks: RefCell::default(),
            messages: RefCell::default(),
            held: Cell::new(0),
            arrivals: RefCell::default(),
            backlog: Cell::new(0),
            turned_away: RefCell::default(),
            no_reading: Cell::new(false),
            no_writing: Cell::new(false),
            error: Cell::new(None),
            closed: Cell::new(false),
            flying: Cell::new(0),
            listener: RefCell::default(),
        }
    }

    /// A descriptor of its socket is on its way, or no more.
    pub fn flies(&self, begins: bool) {
        let count = self.flying.get();
        self.flying.set(if begins { count + 1 } else { count - 1 });
    }

    /// Whether its socket is on its way, or the one that it would be accepted from.
    pub fn is_flying(&self) -> bool {
        let listener = self.listener.borrow().upgrade();
        self.flying.get() > 0 || listener.is_some_and(|listener| listener.is_flying())
    }

    /// Whether descriptors wait for being received, here or in what waits for being accepted.
    pub fn holds_rights(&self) -> bool {
        self.marks.borrow().iter().any(|mark| mark.passed.has_rights())
            || self.messages.borrow().iter().any(|message| message.passed.has_rights())
            || self.arrivals.borrow().iter().any(|end| end.holds_rights())
    }

    /// Connects two.
    pub fn join(one: &Rc<Self>, other: &Rc<Self>) {
        for (end, peer) in [(one, other), (other, one)] {
            end.hear(peer);
            end.phase.set(Phase::Connected);
        }
    }

    /// Has it speak to `other`, and hear nobody else.
    pub fn hear(&self, other: &Rc<Self>) {
        self.peer.replace(Some(Rc::clone(other)));
    }

    /// Has it speak to nobody.
    pub fn part(&self) {
        self.peer.replace(None);
    }

    pub fn phase(&self) -> Phase {
        self.phase.get()
    }

    pub fn name(&self) -> Vec<u8> {
        self.name.borrow().clone()
    }

    pub fn set_name(&self, name: Vec<u8>) {
        self.name.replace(name);
    }

    /// Notes what it is found by; gives back what it was found by before.
    pub fn set_known(&self, known: Option<(Name, Address)>) -> Option<(Name, Address)> {
        self.known.replace(known)
    }

    pub fn peer(&self) -> Option<Rc<Self>> {
        self.peer.borrow().clone()
    }

    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }

    pub fn is_read_shut(&self) -> bool {
        self.no_reading.get()
    }

    pub fn is_write_shut(&self) -> bool {
        self.no_writing.get()
    }

    /// What went wrong, told once.
    pub fn take_error(&self) -> Option<Errno> {
        self.error.take()
    }

    /// Waits for connections, `backlog` of them at most, and one more as Linux does.
    pub fn listen(&self, backlog: usize) {
        self.phase.set(Phase::Listening);
        self.backlog.set(backlog.min(LONGEST_BACKLOG));
    }

    pub fn is_backlog_full(&self) -> bool {
        self.arrivals.borrow().len() > self.backlog.get()
    }

    /// Tells `end` when there is a place.
    pub fn wait_for_place(&self, end: &Rc<Self>) {
        let mut turned_away = self.turned_away.borrow_mut();
        turned_away.retain(|other| other.strong_count() > 0);
        if !turned_away.iter().any(|other| other.ptr_eq(&Rc::downgrade(end))) {
            turned_away.push(Rc::downgrade(end));
        }
    }

    /// A connection of `client` to this one, which listens.
    pub fn arrive(self: &Rc<Self>, client: &Rc<Self>) {
        let end = Rc::new(Self::new(self.kind));
        end.listener.replace(Rc::downgrade(self));
        end.set_name(self.name());
        Self::join(client, &end);
        self.arrivals.borrow_mut().push_back(end);
        self.watchers.notify(Readiness::IN);
    }

    /// The connection that has waited longest.
    pub fn accept(&self) -> Option<Rc<Self>> {
        let end = self.arrivals.borrow_mut().pop_front()?;
        end.listener.take();
        self.call_turned_away();
        Some(end)
    }

    fn call_turned_away(&self) {
        for end in self.turned_away.take().iter().filter_map(Weak::upgrade) {
            end.watchers.notify(Readiness::OUT);
        }
    }

    /// Takes what `from` sends: all of a message, and of a stream what there is room for.
    pub fn put(&self, bytes: &[u8], from: &Self, passed: Passed) -> Result<usize, Errno> {
        if self.no_reading.get() {
            return Err(Errno::EPIPE);
        }
        let taken = match self.kind {
            Type::Stream => self.put_bytes(bytes, passed)?,
            _ => self.put_message(bytes, from, passed)?,
        };
        self.watchers.notify(Readiness::IN);
        Ok(taken)
    }

    fn put_bytes(&self, bytes: &[u8], passed: Passed) -> Result<usize, Errno> {
        let mut held = self.bytes.borrow_mut();
        let taken = bytes.len().min(CAPACITY - held.len());
        if taken == 0 && !bytes.is_empty() {
            return Err(Errno::EAGAIN);
        }
        held.try_reserve(taken).map_err(|_| Errno::ENOBUFS)?;
        // Nothing is passed with no bytes.
        if taken > 0 && !passed.is_empty() {
            let begin = self.read.get() + held.len() as u64;
            self.marks.borrow_mut().push_back(Mark { bytes: begin..begin + taken as u64, passed });
        }
        held.extend(&bytes[..taken]);
        Ok(taken)
    }

    fn put_message(&self, bytes: &[u8], from: &Self, passed: Passed) -> Result<usize, Errno> {
        if bytes.len() > CAPACITY {
            return Err(Errno::EMSGSIZE);
        }
        let mut messages = self.messages.borrow_mut();
        if messages.len() >= MESSAGES || self.held.get() + bytes.len() > CAPACITY {
            return Err(Errno::EAGAIN);
        }
        let mut copy = Vec::new();
        copy.try_reserve_exact(bytes.len()).map_err(|_| Errno::ENOBUFS)?;
        copy.extend_from_slice(bytes);
        self.held.set(self.held.get() + bytes.len());
        messages.push_back(Message { bytes: copy, from: from.name(), passed });
        Ok(bytes.len())
    }

    /// Takes what waits, or with `peek` looks at it.
    pub fn take(&self, buffer: &mut [u8], peek: bool) -> Result<(Received, Beside), Errno> {
        let taken = match self.kind {
            Type::Stream => self.take_bytes(buffer, peek),
            _ => self.take_message(buffer, peek),
        };
        let Some(received) = taken else {
            return match self.error.take() {
                Some(errno) => Err(errno),
                None if self.no_reading.get() && self.kind != Type::Datagram => Ok(Default::default()),
                None => Err(Errno::EAGAIN),
            };
        };
        if !peek {
            self.tell_of_room();
        }
        Ok(received)
    }

    /// Tells its peer, or whoever has it for a peer, that there is room.
    fn tell_of_room(&self) {
        if let Some(peer) = self.peer() {
            peer.watchers.notify(Readiness::OUT);
        }
        self.call_turned_away();
    }

    fn take_bytes(&self, buffer: &mut [u8], peek: bool) -> Option<(Received, Beside)> {
        let mut held = self.bytes.borrow_mut();
        if held.is_empty() {
            return None;
        }
        let (length, beside) = self.take_mark(buffer.len().min(held.len()), peek);
        let (front, back) = held.as_slices();
        let split = length.min(front.len());
        buffer[..split].copy_from_slice(&front[..split]);
        buffer[split..length].copy_from_slice(&back[..length - split]);
        if !peek {
            held.drain(..length);
            self.read.set(self.read.get() + length as u64);
        }
        Some((Received { length, whole: length, from: None }, beside))
    }

    /// What was passed with the first of the next bytes that anything was passed with; those after that piece are for the next
    /// call. Says how many of `length` bytes that leaves.
    fn take_mark(&self, length: usize, peek: bool) -> (usize, Beside) {
        let read = self.read.get();
        let mut marks = self.marks.borrow_mut();
        let Some(mark) = marks.front().filter(|mark| mark.bytes.start < read + length as u64) else {
            return (length, Beside::default());
        };
        let (left, beside) = ((mark.bytes.end - read) as usize, mark.passed.received());
        let gone = if peek { None } else { marks.pop_front() };
        drop(marks);
        // What counts those on their way looks at other ends.
        drop(gone);
        (length.min(left), beside)
    }

    fn take_message(&self, buffer: &mut [u8], peek: bool) -> Option<(Received, Beside)> {
        let mut messages = self.messages.borrow_mut();
        let message = messages.front()?;
        let length = message.bytes.len().min(buffer.len());
        buffer[..length].copy_from_slice(&message.bytes[..length]);
        let from = (!message.from.is_empty()).then(|| Address::Unix(message.from.clone()));
        let received = Received { length, whole: message.bytes.len(), from };
        let beside = message.passed.received();
        if !peek {
            self.held.set(self.held.get() - received.whole);
            let gone = messages.pop_front();
            drop(messages);
            drop(gone);
        }
        Some((received, beside))
    }

    /// Bytes of the next read.
    pub fn unread(&self) -> usize {
        match self.kind {
            Type::Stream => self.bytes.borrow().len(),
            _ => self.messages.borrow().front().map_or(0, |message| message.bytes.len()),
        }
    }

    fn has_unread(&self) -> bool {
        !self.bytes.borrow().is_empty() || !self.messages.borrow().is_empty()
    }

    /// Whether its peers may write: as Linux has it, where not more than a quarter of the room is taken.
    fn has_room(&self) -> bool {
        let held = self.held.get() + self.bytes.borrow().len();
        held <= CAPACITY / 4 && self.messages.borrow().len() < MESSAGES
    }

    /// What could be done with its socket.
    pub fn readiness(&self) -> Readiness {
        let (no_reading, no_writing) = (self.no_reading.get(), self.no_writing.get());
        let is_idle = self.kind != Type::Datagram && self.phase() == Phase::Idle;
        let mut ready = Readiness::NONE;
        if no_reading || self.has_unread() || !self.arrivals.borrow().is_empty() {
            ready |= Readiness::IN;
        }
        if no_reading {
            ready |= Readiness::RDHUP;
        }
        if is_idle || no_reading && no_writing {
            ready |= Readiness::HUP;
        }
        let has_room = || self.peer.borrow().as_ref().is_none_or(|peer| peer.has_room());
        if self.phase() != Phase::Listening && has_room() {
            ready |= Readiness::OUT;
        }
        let error = self.error.take();
        self.error.set(error);
        if error.is_some() { ready | Readiness::ERR } else { ready }
    }

    /// Ends a half, and the one of its peer that it is joined with.
    pub fn shut(&self, half: Half) {
        let (reading, writing) = (half != Half::Write, half != Half::Read);
        self.end_halves(reading, writing);
        if self.kind != Type::Datagram
            && let Some(peer) = self.peer()
        {
            peer.end_halves(writing, reading);
        }
    }

    fn end_halves(&self, reading: bool, writing: bool) {
        self.no_reading.set(self.no_reading.get() || reading);
        self.no_writing.set(self.no_writing.get() || writing);
        self.watchers.notify(self.readiness());
    }

    /// Its socket is closed; or, as of one that nobody accepted, there never was one.
    pub fn close(&self, unaccepted: bool) {
        self.closed.set(true);
        for end in self.arrivals.take() {
            end.close(true);
        }
        self.call_turned_away();
        let has_unread = self.has_unread();
        self.bytes.take();
        // Files that nobody received close, and may come back here.
        drop((self.marks.take(), self.messages.take()));
        let Some(peer) = self.peer.take() else { return };
        if self.kind == Type::Datagram {
            return peer.watchers.notify(Readiness::OUT);
        }
        // What nobody read is lost, and whoever sent it is told.
        if unaccepted || has_unread {
            peer.error.set(Some(Errno::ECONNRESET));
        }
        peer.end_halves(true, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_let_go_of_each_other() {
        let (one, other) = (Rc::new(End::new(Type::Stream)), Rc::new(End::new(Type::Stream)));
        End::join(&one, &other);
        assert_eq!((Rc::strong_count(&one), Rc::strong_count(&other)), (2, 2));
        one.close(false);
        other.close(false);
        assert_eq!((Rc::strong_count(&one), Rc::strong_count(&other)), (1, 1));
    }

    #[test]
    fn a_stream_takes_what_there_is_room_for() {
        let (one, other) = (Rc::new(End::new(Type::Stream)), Rc::new(End::new(Type::Stream)));
        End::join(&one, &other);
        assert_eq!(other.put(&[7; CAPACITY + 9], &one, Passed::default()), Ok(CAPACITY));
        assert_eq!(other.put(b"x", &one, Passed::default()), Err(Errno::EAGAIN));
        assert!(!one.readiness().has_any(Readiness::OUT));
        let mut buffer = [0; CAPACITY];
        assert_eq!(other.take(&mut buffer, false).map(|(received, _)| received.length), Ok(CAPACITY));
        assert!(one.readiness().has_any(Readiness::OUT) && buffer == [7; CAPACITY]);
    }
}
