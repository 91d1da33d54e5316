//! What is under way with the store, as data: requests, answers, watches. It moves bytes, and calls nobody.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Display};

use iface_scheduler::ThreadId;
use iface_xenstore::{Changed, StoreError, Watch};
use xen_ring::RingError;

use crate::inbox::{Inbox, TooLong};
use crate::page::{Page, Rings};
use crate::wire::{Header, Message, PAYLOAD_MAX, Type};

/// How the store broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Ring(RingError),
    TooLong(TooLong),
    /// The store itself gave the connection up, and says why (`XENSTORE_ERROR_*`).
    GivenUp(u32),
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ring(error) => error.fmt(f),
            Self::TooLong(TooLong(length)) => {
                write!(f, "a message of {length} bytes, where {PAYLOAD_MAX} is the most")
            }
            Self::GivenUp(error) => write!(f, "it gave the connection up with error {error}"),
        }
    }
}

impl From<RingError> for Fault {
    fn from(error: RingError) -> Self {
        Self::Ring(error)
    }
}

impl From<TooLong> for Fault {
    fn from(error: TooLong) -> Self {
        Self::TooLong(error)
    }
}

/// What came of moving bytes.
pub(crate) enum Step {
    /// Nothing is left to do.
    Idle,
    /// There may be more to read, and others are to have their turn first.
    Pause,
    /// This thread's answer is here.
    Answered(ThreadId),
    /// Something changed, for a watch.
    Changed(Rc<Changed>, String),
    /// A message was for nobody; so many of them there were until now.
    Ignored(u64),
    /// The store broke the protocol. Told once.
    Broken(Fault),
}

/// A request that is under way.
struct Pending {
    request: u32,
    transaction: u32,
    thread: ThreadId,
    answer: Option<Message>,
}

struct Watching {
    watch: Watch,
    path: String,
    changed: Rc<Changed>,
}

/// Everything under way.
pub(crate) struct Session {
    page: Page,
    /// Bytes of requests that the ring had no space for.
    outgoing: VecDeque<u8>,
    inbox: Inbox,
    pending: Vec<Pending>,
    watches: Vec<Watching>,
    last_request: u32,
    last_watch: u32,
    ignored: u64,
    moved: bool,
    broken: bool,
}

impl Session {
    pub(crate) fn new(page: Page) -> Self {
        Self {
            page,
            outgoing: VecDeque::new(),
            inbox: Inbox::default(),
            pending: Vec::new(),
            watches: Vec::new(),
            last_request: 0,
            last_watch: 0,
            ignored: 0,
            moved: false,
            broken: false,
        }
    }

    /// Puts a request of `thread` behind the others, and returns its number.
    pub(crate) fn request(
        &mut self,
        thread: ThreadId,
        kind: Type,
        transaction: u32,
        parts: &[&[u8]],
    ) -> Result<u32, StoreError> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length > PAYLOAD_MAX {
            return Err(StoreError::TooLong);
        }
        if self.broken {
            return Err(StoreError::Broken);
        }
        let request = self.next_request();
        self.pending.push(Pending { request, transaction, thread, answer: None });
        let header = Header { kind: kind as u32, request, transaction, length: length as u32 };
        self.outgoing.extend(header.to_bytes());
        for part in parts {
            self.outgoing.extend(*part);
        }
        Ok(request)
    }

    /// A number that no request under way has. 0 is that of watches' events.
    fn next_request(&mut self) -> u32 {
        loop {
            self.last_request = self.last_request.wrapping_add(1);
            let taken = self.pending.iter().any(|each| each.request == self.last_request);
            if self.last_request != 0 && !taken {
                return self.last_request;
            }
        }
    }

    /// Takes the answer to `request`, if it is here or will never be.
    pub(crate) fn take_answer(&mut self, request: u32) -> Option<Result<Message, StoreError>> {
        let place = self.pending.iter().position(|each| each.request == request)?;
        if !self.broken && self.pending[place].answer.is_none() {
            return None;
        }
        let pending = self.pending.swap_remove(place);
        Some(pending.answer.ok_or(StoreError::Broken))
    }

    /// Has `changed` called for events of the watch that is returned.
    pub(crate) fn add_watch(&mut self, path: &str, changed: Changed) -> Watch {
        self.last_watch = self.last_watch.wrapping_add(1);
        let watch = Watch(self.last_watch);
        self.watches.push(Watching { watch, path: path.into(), changed: Rc::new(changed) });
        watch
    }

    /// Forgets a watch, and says what it watched.
    pub(crate) fn remove_watch(&mut self, watch: Watch) -> Option<String> {
        let place = self.watches.iter().position(|each| each.watch == watch)?;
        Some(self.watches.swap_remove(place).path)
    }

    /// Puts into the ring what it has space for.
    pub(crate) fn send(&mut self) -> Result<(), Fault> {
        let sent = self.try_send();
        self.checked(sent)
    }

    /// Moves bytes until there is something to be done, reading `budget` bytes at most.
    pub(crate) fn step(&mut self, budget: &mut usize) -> Step {
        if self.broken {
            return Step::Idle;
        }
        let received = self.try_send().and_then(|()| self.try_receive(budget));
        match self.checked(received) {
            Ok(Some(message)) => self.dispatch(message),
            Ok(None) if *budget == 0 => Step::Pause,
            Ok(None) => Step::Idle,
            Err(fault) => Step::Broken(fault),
        }
    }

    /// Speaks to the store no more after a fault.
    fn checked<T>(&mut self, result: Result<T, Fault>) -> Result<T, Fault> {
        if result.is_err() {
            self.broken = true;
            self.outgoing.clear();
        }
        result
    }

    /// Whether the rings changed since this was asked last, so that the store is to be signalled.
    pub(crate) fn take_moved(&mut self) -> bool {
        core::mem::take(&mut self.moved)
    }

    /// Who waits for answers.
    pub(crate) fn waiting(&self) -> Vec<ThreadId> {
        self.pending.iter().map(|each| each.thread).collect()
    }

    /// What is called for changes, and where.
    pub(crate) fn watches(&self) -> Vec<(Rc<Changed>, String)> {
        self.watches.iter().map(|each| (Rc::clone(&each.changed), each.path.clone())).collect()
    }

    fn try_send(&mut self) -> Result<(), Fault> {
        if let Some(error) = self.page.error() {
            return Err(Fault::GivenUp(error));
        }
        let Some(Rings { requests, .. }) = self.page.rings() else { return Ok(()) };
        loop {
            // The store's index is checked even where there is nothing to write.
            let written = requests.write(self.outgoing.as_slices().0)?;
            if written == 0 {
                return Ok(());
            }
            self.outgoing.drain(..written);
            self.moved = true;
        }
    }

    fn try_receive(&mut self, budget: &mut usize) -> Result<Option<Message>, Fault> {
        let Some(Rings { answers, .. }) = self.page.rings() else { return Ok(None) };
        loop {
            let vacant = self.inbox.vacant();
            let most = vacant.len().min(*budget);
            let read = answers.read(&mut vacant[..most])?;
            if read == 0 {
                return Ok(None);
            }
            *budget -= read;
            self.moved = true;
            if let Some(message) = self.inbox.fill(read)? {
                return Ok(Some(message));
            }
        }
    }

    fn dispatch(&mut self, message: Message) -> Step {
        let step = if message.header.kind == Type::WatchEvent as u32 {
            self.changed(message)
        } else {
            self.answered(message)
        };
        step.unwrap_or_else(|| {
            self.ignored += 1;
            Step::Ignored(self.ignored)
        })
    }

    fn changed(&self, message: Message) -> Option<Step> {
        let (path, token) = message.into_event()?;
        let watching = self.watches.iter().find(|each| each.watch == Watch(token))?;
        Some(Step::Changed(Rc::clone(&watching.changed), path))
    }

    fn answered(&mut self, message: Message) -> Option<Step> {
        let header = message.header;
        let asked = |each: &&mut Pending| {
            each.request == header.request && each.transaction == header.transaction && each.answer.is_none()
        };
        let pending = self.pending.iter_mut().find(asked)?;
        pending.answer = Some(message);
        Some(Step::Answered(pending.thread))
    }
}
