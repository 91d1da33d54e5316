use core::cell::Cell;

use iface_clock::Instant;
use iface_scheduler::{Scheduler, WaitQueue};

/// Counts changes, and wakes who waits for the next.
#[derive(Debug)]
pub(crate) struct Signal<S> {
    scheduler: S,
    count: Cell<u64>,
    waiting: WaitQueue,
}

impl<S: Scheduler> Signal<S> {
    pub(crate) const fn new(scheduler: S) -> Self {
        Self { scheduler, count: Cell::new(0), waiting: WaitQueue::new() }
    }

    /// Changes up to now.
    pub(crate) fn count(&self) -> u64 {
        self.count.get()
    }

    /// Something changed.
    pub(crate) fn raise(&self) {
        self.count.set(self.count.get() + 1);
        self.waiting.wake_all(self.scheduler);
    }

    /// Parks until there are more changes than `count`. False when `deadline` came first.
    pub(crate) fn wait(&self, count: u64, deadline: Option<Instant>) -> bool {
        let changed = || (self.count.get() > count).then_some(());
        self.waiting.wait_for(self.scheduler, deadline, changed).is_some()
    }
}
