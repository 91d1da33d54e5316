//! One thread at a time, the others parked.

use core::cell::{Cell, RefCell};

use iface_scheduler::{Scheduler, WaitQueue};

/// A value that is used by one thread at a time, also while that waits for the disk.
pub(crate) struct Lock<S, T> {
    scheduler: S,
    is_taken: Cell<bool>,
    waiting: WaitQueue,
    value: RefCell<T>,
}

impl<S: Scheduler, T> Lock<S, T> {
    pub(crate) fn new(scheduler: S, value: T) -> Self {
        Self { scheduler, is_taken: Cell::new(false), waiting: WaitQueue::new(), value: RefCell::new(value) }
    }

    /// Does `work` when no other thread is at it.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        self.waiting.wait_for(self.scheduler, None, || (!self.is_taken.replace(true)).then_some(()));
        let result = work(&mut self.value.borrow_mut());
        self.is_taken.set(false);
        self.waiting.wake_one(self.scheduler);
        result
    }
}
