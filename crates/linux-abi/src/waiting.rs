//! Waiting for a file: what makes a call block.

use alloc::rc::Rc;

use iface_clock::{Clock, Instant};
use iface_scheduler::{Scheduler, ThreadId};
use open_file::{Errno, OpenFile, Readiness, Watcher};

use crate::linux::{Linux, World};
use crate::signals::Delivery;

/// A thread that waits.
pub(crate) struct Waiter<S> {
    scheduler: S,
    thread: ThreadId,
}

impl<S: Scheduler> Waiter<S> {
    /// The running thread.
    pub fn running(scheduler: S) -> Rc<dyn Watcher> {
        Rc::new(Self { scheduler, thread: scheduler.current() })
    }
}

impl<S: Scheduler> Watcher for Waiter<S> {
    fn notified(&self, _: Readiness) {
        self.scheduler.unpark(self.thread);
    }
}

impl<W: World> Linux<W> {
    /// What `attempt` gives once it no longer says `EAGAIN`, at the latest when `deadline` is reached; then `EAGAIN` it is.
    ///
    /// # Errors
    /// What `attempt` says; `EINTR` where a signal's handler ran meanwhile that does not let calls go on.
    pub fn block_on<T>(
        &self,
        file: &dyn OpenFile,
        deadline: Option<Instant>,
        mut attempt: impl FnMut() -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let first = attempt();
        let (Err(Errno::EAGAIN), Some(watchers)) = (&first, file.watchers()) else { return first };
        let waiter = Waiter::running(self.scheduler);
        watchers.add(&waiter);
        let result = loop {
            match attempt() {
                Err(Errno::EAGAIN) if !self.is_past(deadline) => {}
                result => break result,
            }
            if self.deliver() == Delivery::Interrupt {
                break Err(Errno::EINTR);
            }
            self.scheduler.park(deadline);
        };
        watchers.remove(&waiter);
        result
    }

    pub fn is_past(&self, deadline: Option<Instant>) -> bool {
        deadline.is_some_and(|deadline| deadline <= self.clock.now())
    }
}
