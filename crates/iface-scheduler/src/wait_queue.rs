use alloc::collections::VecDeque;
use core::cell::RefCell;

use crate::{Instant, Scheduler, ThreadId, Wakeup};

/// Threads that wait for the same thing, woken in the order in which they came.
#[derive(Debug, Default)]
pub struct WaitQueue {
    waiting: RefCell<VecDeque<ThreadId>>,
}

impl WaitQueue {
    /// A queue in which nobody waits.
    pub const fn new() -> Self {
        Self { waiting: RefCell::new(VecDeque::new()) }
    }

    /// Parks the running thread until `ready` gives a value, and returns it; `None` when `deadline` came first.
    /// `ready` is asked before each wait, so a wake-up before the wait is not lost.
    pub fn wait_for<S: Scheduler, T>(
        &self,
        scheduler: S,
        deadline: Option<Instant>,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        loop {
            if let Some(value) = ready() {
                return Some(value);
            }
            let thread = scheduler.current();
            self.waiting.borrow_mut().push_back(thread);
            let wakeup = scheduler.park(deadline);
            self.waiting.borrow_mut().retain(|waiting| *waiting != thread);
            if wakeup == Wakeup::TimedOut {
                return ready();
            }
        }
    }

    /// Wakes the thread that has waited longest.
    pub fn wake_one<S: Scheduler>(&self, scheduler: S) {
        let first = self.waiting.borrow_mut().pop_front();
        if let Some(thread) = first {
            scheduler.unpark(thread);
        }
    }

    /// Wakes every thread that waits.
    pub fn wake_all<S: Scheduler>(&self, scheduler: S) {
        for thread in self.waiting.take() {
            scheduler.unpark(thread);
        }
    }
}
