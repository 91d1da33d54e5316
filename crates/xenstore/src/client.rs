//! The session with the store, joined to threads and to its event channel.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::cell::RefCell;

use iface_event_channels::{EventChannels, Port, Source};
use iface_scheduler::Scheduler;
use iface_xenstore::{Changed, StoreError, Watch};

use crate::page::{Page, RING};
use crate::session::{Fault, Session, Step};
use crate::wire::Type;

/// Bytes that are read before other handlers have their turn.
const BUDGET: usize = 2 * RING;

/// The image's end of the store.
pub(crate) struct Client<V, S> {
    session: RefCell<Session>,
    channels: V,
    port: Port,
    source: Source,
    scheduler: S,
}

impl<V: EventChannels, S: Scheduler> Client<V, S> {
    /// The end of `page`, for as long as the image runs. It is signalled by `port`, for which `source` fires.
    pub(crate) fn new(page: Page, channels: V, port: Port, source: Source, scheduler: S) -> &'static Self {
        let session = RefCell::new(Session::new(page));
        Box::leak(Box::new(Self { session, channels, port, source, scheduler }))
    }

    /// Asks the store, and returns the payload of its answer.
    pub(crate) fn ask(&self, kind: Type, transaction: u32, parts: &[&[u8]]) -> Result<Vec<u8>, StoreError> {
        let thread = self.scheduler.current();
        let request = self.session.borrow_mut().request(thread, kind, transaction, parts)?;
        self.send();
        loop {
            let answer = self.session.borrow_mut().take_answer(request);
            match answer {
                Some(answer) => return answer?.into_answer(kind),
                None => self.scheduler.park(None),
            };
        }
    }

    /// Has `changed` called for what changes at or below `path`.
    pub(crate) fn watch(&self, path: &str, changed: Changed) -> Result<Watch, StoreError> {
        // It is there before the store knows, as its first event may be here before the answer.
        let watch = self.session.borrow_mut().add_watch(path, changed);
        let asked = self.ask_of_watch(Type::Watch, path, watch);
        if asked.is_err() {
            self.session.borrow_mut().remove_watch(watch);
        }
        asked.map(|_| watch)
    }

    /// Ends a watch.
    pub(crate) fn unwatch(&self, watch: Watch) {
        let path = self.session.borrow_mut().remove_watch(watch);
        if let Some(path) = path {
            // Where the store refuses, its events are for nobody.
            let _ = self.ask_of_watch(Type::Unwatch, &path, watch);
        }
    }

    fn ask_of_watch(&self, kind: Type, path: &str, watch: Watch) -> Result<Vec<u8>, StoreError> {
        let token = watch.0.to_string();
        self.ask(kind, 0, &[path.as_bytes(), b"\0", token.as_bytes(), b"\0"])
    }

    /// Sends what can be sent. The handler does the rest.
    fn send(&self) {
        let sent = self.session.borrow_mut().send();
        if let Err(fault) = sent {
            self.give_up(fault);
        }
        self.signal();
    }

    /// Moves what can be moved, and tells whom it concerns: the handler of the event channel.
    pub(crate) fn attend(&self) {
        let mut budget = BUDGET;
        loop {
            let step = self.session.borrow_mut().step(&mut budget);
            match step {
                Step::Idle => break,
                Step::Pause => {
                    self.channels.fire(self.source);
                    break;
                }
                Step::Answered(thread) => self.scheduler.unpark(thread),
                Step::Changed(changed, path) => changed(&path),
                Step::Ignored(count) if count.is_power_of_two() => {
                    log::warn!("the store sent {count} messages that nobody waits for");
                }
                Step::Ignored(_) => {}
                Step::Broken(fault) => self.give_up(fault),
            }
        }
        self.signal();
    }

    /// Signals the store where the rings changed.
    fn signal(&self) {
        if self.session.borrow_mut().take_moved() {
            self.channels.signal(self.port);
        }
    }

    /// Wakes everybody: there will be no answers and no events any more.
    fn give_up(&self, fault: Fault) {
        log::error!("the store broke its protocol and is not used any more: {fault}");
        let (waiting, watches) = {
            let session = self.session.borrow();
            (session.waiting(), session.watches())
        };
        waiting.into_iter().for_each(|thread| self.scheduler.unpark(thread));
        watches.into_iter().for_each(|(changed, path)| changed(&path));
    }
}
