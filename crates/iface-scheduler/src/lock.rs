use core::cell::{Cell, RefCell};

use crate::{Scheduler, WaitQueue};

/// A value that is used by one thread at a time, also while that one waits; the others are parked, and come to it in their order.
#[derive(Debug)]
pub struct Lock<S, T> {
    scheduler: S,
    is_taken: Cell<bool>,
    waiting: WaitQueue,
    value: RefCell<T>,
}

impl<S: Scheduler, T> Lock<S, T> {
    /// Locks `value` away.
    pub const fn new(scheduler: S, value: T) -> Self {
        Self { scheduler, is_taken: Cell::new(false), waiting: WaitQueue::new(), value: RefCell::new(value) }
    }

    /// Does `work` when no other thread is at it. `work` may wait, but not for this lock.
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        self.waiting.wait_for(self.scheduler, None, || (!self.is_taken.replace(true)).then_some(()));
        let result = work(&mut self.value.borrow_mut());
        self.is_taken.set(false);
        self.waiting.wake_one(self.scheduler);
        result
    }
}
