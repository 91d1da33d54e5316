//! A store's daemon that speaks the protocol, over a tree in memory.

use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::format;
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

use iface_clock::Clock;
use iface_events::{Events, Source, fake::FakeEvents};
use iface_xenstore::{StoreError, Tree, Watch, Xenstore};
use xen_abi::DomainId;
use xen_fake::{FakeChannels, FakeStore, FakeTransaction};
use xen_ring::{Receiver, Sender};

use super::shared::{PORT, Shared};
use crate::inbox::Inbox;
use crate::wire::{Header, Message};

const TURN: Source = Source(1);
const CHANGED: Source = Source(2);

/// The daemon; it takes a turn 10 µs after it is signalled, and after each in which it moved something.
pub(super) struct Daemon {
    pub(super) store: &'static FakeStore,
    /// Called before the next transactions end, one for each.
    pub(super) interference: RefCell<VecDeque<Box<dyn FnOnce()>>>,
    /// Answers are kept back until there are so many, and then sent last one first.
    pub(super) reversed: Cell<usize>,
    events: &'static FakeEvents,
    channels: &'static FakeChannels,
    requests: RefCell<Receiver<'static>>,
    answers: RefCell<Sender<'static>>,
    inbox: RefCell<Inbox>,
    kept: RefCell<Vec<Vec<u8>>>,
    outgoing: RefCell<VecDeque<u8>>,
    chunk: usize,
    transactions: RefCell<BTreeMap<u32, FakeTransaction>>,
    watches: RefCell<BTreeMap<(String, String), Watch>>,
}

impl Daemon {
    pub(super) fn start(
        shared: &'static Shared,
        events: &'static FakeEvents,
        channels: &'static FakeChannels,
        chunk: usize,
    ) -> &'static Self {
        let (requests, answers) = shared.other_end();
        let daemon: &'static Self = Box::leak(Box::new(Self {
            store: FakeStore::with_events(DomainId(7), events, CHANGED),
            interference: RefCell::default(),
            reversed: Cell::new(1),
            events,
            channels,
            requests: RefCell::new(requests),
            answers: RefCell::new(answers),
            inbox: RefCell::default(),
            kept: RefCell::default(),
            outgoing: RefCell::default(),
            chunk,
            transactions: RefCell::default(),
            watches: RefCell::default(),
        }));
        events.subscribe(TURN, Box::new(|| daemon.turn())).unwrap();
        channels.on_signal(PORT, || daemon.wake());
        daemon
    }

    /// Sends bytes as they are, behind what waits.
    pub(super) fn send(&self, bytes: &[u8]) {
        self.outgoing.borrow_mut().extend(bytes);
        self.wake();
    }

    fn wake(&self) {
        self.events.fire_at(TURN, self.events.clock().now() + Duration::from_micros(10));
    }

    fn turn(&'static self) {
        let moved = self.read() | self.write();
        if moved {
            self.channels.notify(PORT);
            self.wake();
        }
    }

    fn read(&'static self) -> bool {
        let (mut left, mut moved) = (self.chunk, false);
        while left > 0 {
            let message = {
                let mut inbox = self.inbox.borrow_mut();
                let vacant = inbox.vacant();
                let most = vacant.len().min(left);
                let count = self.requests.borrow_mut().read(&mut vacant[..most]).unwrap();
                if count == 0 {
                    break;
                }
                (left, moved) = (left - count, true);
                inbox.fill(count).expect("the domain sends no message that is too long")
            };
            if let Some(message) = message {
                self.reply(message);
            }
        }
        moved
    }

    fn write(&self) -> bool {
        let mut outgoing = self.outgoing.borrow_mut();
        let most = outgoing.len().min(self.chunk);
        let bytes: Vec<u8> = outgoing.iter().take(most).copied().collect();
        let count = self.answers.borrow_mut().write(&bytes).unwrap();
        outgoing.drain(..count);
        count > 0
    }

    fn reply(&'static self, message: Message) {
        let header = message.header;
        let (kind, payload) = match self.answer(&message) {
            Ok(payload) => (header.kind, payload),
            Err(error) => (16, format!("{}\0", name(&error)).into_bytes()),
        };
        let header = Header { kind, length: u32::try_from(payload.len()).unwrap(), ..header };
        let mut kept = self.kept.borrow_mut();
        kept.push([&header.to_bytes()[..], &payload].concat());
        if kept.len() >= self.reversed.get() {
            for bytes in kept.drain(..).rev() {
                self.send(&bytes);
            }
        }
    }

    fn answer(&'static self, message: &Message) -> Result<Vec<u8>, StoreError> {
        let text = std::str::from_utf8(&message.payload).unwrap();
        let (first, rest) = text.split_once('\0').unwrap();
        let ok = |()| b"OK\0".to_vec();
        match message.header.kind {
            1 => self.within(message, |tree| tree.list(first)).and_then(directory),
            2 => self.within(message, |tree| tree.read(first)).map(String::into_bytes),
            11 => self.within(message, |tree| tree.write(first, rest)).map(ok),
            13 => self.within(message, |tree| tree.remove(first)).map(ok),
            4 => self.watch(first, rest).map(ok),
            5 => self.unwatch(first, rest).map(ok),
            6 => Ok(self.begin()),
            7 => self.end(message.header.transaction, first == "T").map(ok),
            kind => panic!("a request of type {kind}"),
        }
    }

    /// Does `work` in the transaction of `message`, or outside.
    fn within<T>(
        &'static self,
        message: &Message,
        work: impl Fn(&dyn Tree) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match message.header.transaction {
            0 => work(&self.store),
            number => {
                let transactions = self.transactions.borrow();
                work(transactions.get(&number).ok_or(StoreError::Refused("ENOENT".into()))?)
            }
        }
    }

    fn watch(&'static self, path: &str, token: &str) -> Result<(), StoreError> {
        let name = token.strip_suffix('\0').unwrap();
        let sent = String::from(name);
        let changed = move |path: &str| self.event(path, &sent);
        let watch = self.store.watch(path, Box::new(changed))?;
        self.watches.borrow_mut().insert((path.into(), name.into()), watch);
        Ok(())
    }

    fn unwatch(&self, path: &str, token: &str) -> Result<(), StoreError> {
        let name = token.strip_suffix('\0').unwrap();
        let watch = self.watches.borrow_mut().remove(&(path.into(), name.into()));
        self.store.unwatch(watch.ok_or(StoreError::NotFound)?);
        Ok(())
    }

    fn event(&self, path: &str, token: &str) {
        let payload = format!("{path}\0{token}\0");
        let length = u32::try_from(payload.len()).unwrap();
        let header = Header { kind: 15, request: 0, transaction: 0, length };
        self.send(&[&header.to_bytes()[..], payload.as_bytes()].concat());
    }

    fn begin(&'static self) -> Vec<u8> {
        let mut transactions = self.transactions.borrow_mut();
        let number = transactions.keys().last().unwrap_or(&0) + 1;
        transactions.insert(number, self.store.begin());
        format!("{number}\0").into_bytes()
    }

    fn end(&self, number: u32, commit: bool) -> Result<(), StoreError> {
        let transaction = self.transactions.borrow_mut().remove(&number).ok_or(StoreError::NotFound)?;
        if !commit {
            return Ok(());
        }
        let interference = self.interference.borrow_mut().pop_front();
        if let Some(change) = interference {
            change();
        }
        if transaction.commit() { Ok(()) } else { Err(StoreError::Refused("EAGAIN".into())) }
    }
}

fn directory(names: Vec<String>) -> Result<Vec<u8>, StoreError> {
    let payload: String = names.iter().map(|name| format!("{name}\0")).collect();
    if payload.len() > 4096 { Err(StoreError::Refused("E2BIG".into())) } else { Ok(payload.into_bytes()) }
}

fn name(error: &StoreError) -> &str {
    match error {
        StoreError::NotFound => "ENOENT",
        StoreError::Denied => "EACCES",
        StoreError::Refused(name) => name,
        _ => "EINVAL",
    }
}
