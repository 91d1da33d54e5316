//! Events and memory for tests.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::{
    cell::{Cell, RefCell},
    time::Duration,
};

use iface_clock::{Instant, fake::FakeClock};
use iface_events::{Events, Handler, Source, SubscribeError};
use iface_memory::{Memory, MemoryError, Stack};

/// Events that come at times which the test lays down; waiting moves the clock to the next one or the deadline.
pub(crate) struct Script {
    pub(crate) clock: &'static FakeClock,
    coming: RefCell<VecDeque<(Instant, Handler)>>,
    pub(crate) waits: Cell<usize>,
    pub(crate) polls: Cell<usize>,
}

impl Script {
    pub(crate) fn new(clock: &'static FakeClock, coming: Vec<(Instant, Handler)>) -> &'static Self {
        let coming = RefCell::new(coming.into());
        Box::leak(Box::new(Self { clock, coming, waits: Cell::new(0), polls: Cell::new(0) }))
    }

    pub(crate) fn expect(&self, at: Instant, handler: Handler) {
        self.coming.borrow_mut().push_back((at, handler));
    }

    fn take_due(&self) -> Option<Handler> {
        let mut coming = self.coming.borrow_mut();
        let due = coming.front().is_some_and(|(at, _)| *at <= iface_clock::Clock::now(&self.clock));
        if due { coming.pop_front().map(|(_, handler)| handler) } else { None }
    }
}

impl Events for &'static Script {
    fn subscribe(&self, _: Source, _: Handler) -> Result<(), SubscribeError> {
        Err(SubscribeError::NoSuchSource)
    }

    fn poll(&self) -> bool {
        self.polls.set(self.polls.get() + 1);
        let mut any = false;
        while let Some(handler) = self.take_due() {
            handler();
            any = true;
        }
        any
    }

    fn wait(&self, deadline: Option<Instant>) {
        self.waits.set(self.waits.get() + 1);
        let next = self.coming.borrow().front().map(|(at, _)| *at);
        let until =
            next.into_iter().chain(deadline).min().expect("an idle image that nothing will ever wake");
        self.clock.advance(until.since(iface_clock::Clock::now(&self.clock)));
        self.poll();
    }
}

/// Stacks, counted.
pub(crate) struct Stacks {
    pub(crate) free: Cell<usize>,
}

impl Stacks {
    pub(crate) fn new(free: usize) -> &'static Self {
        Box::leak(Box::new(Self { free: Cell::new(free) }))
    }
}

impl Memory for &'static Stacks {
    fn stack(&self, size: usize) -> Result<Stack, MemoryError> {
        self.free.set(self.free.get().checked_sub(1).ok_or(MemoryError::Exhausted)?);
        Ok(Box::leak(Box::new_uninit_slice(size)))
    }

    fn release_stack(&self, _: Stack) {
        self.free.set(self.free.get() + 1);
    }
}

pub(crate) fn after(nanoseconds: u64) -> Instant {
    Instant::START + Duration::from_nanos(nanoseconds)
}
