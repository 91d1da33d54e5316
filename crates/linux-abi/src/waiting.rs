//! Waiting for a file: what makes a call block.

use alloc::rc::Rc;

use iface_clock::{Clock, Instant};
use iface_scheduler::{Scheduler, ThreadId};
use linux_raw_sys::general::O_NONBLOCK;
use open_file::{Errno, Half, OpenFile, Readiness, Watcher, Watchers};

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
    /// `attempt` once for a descriptor that does not block, else until it is done, or the file's own time is over: then
    /// `EAGAIN`.
    ///
    /// # Errors
    /// As [`block_on`](Linux::block_on) says.
    pub fn unless_nonblocking<T>(
        &self,
        file: &dyn OpenFile,
        flags: u32,
        half: Half,
        mut attempt: impl FnMut() -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        match attempt() {
            Err(Errno::EAGAIN) if flags & O_NONBLOCK != 0 => {
                self.give_way_at_times();
                Err(Errno::EAGAIN)
            }
            Err(Errno::EAGAIN) => self.block_on(file, self.patience(file, half), attempt),
            result => result,
        }
    }

    /// Threads run until they wait: for one that asks again and again instead of waiting, the others run now and then.
    fn give_way_at_times(&self) {
        /// So rarely that who asks once more before it waits pays nothing.
        const ASKED: u32 = 64;
        let asked = self.asked.get() + 1;
        self.asked.set(asked % ASKED);
        if asked == ASKED {
            self.scheduler.yield_now();
        }
    }

    /// Until when a call waits for a socket that has a time set; never ending for what has none.
    pub fn patience(&self, file: &dyn OpenFile, half: Half) -> Option<Instant> {
        Some(self.clock.now() + file.socket()?.patience(half)?)
    }

    /// What `attempt` gives once it no longer says `EAGAIN`, at the latest when `deadline` is reached; then `EAGAIN` it is.
    ///
    /// # Errors
    /// What `attempt` says; `EINTR` where a signal's handler ran meanwhile that does not let calls go on, or any handler
    /// where there is a deadline (signal(7)).
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
            match self.deliver() {
                Delivery::Nothing => {}
                Delivery::Restart if deadline.is_none() => {}
                _ => break Err(Errno::EINTR),
            }
            self.scheduler.park(deadline);
        };
        watchers.remove(&waiter);
        result
    }

    /// What `ready` gives as soon as it gives anything; nothing at `deadline`. `lists` has who is told of what `ready` looks at.
    ///
    /// # Errors
    /// `EINTR` where a signal's handler ran meanwhile, whether it lets other calls go on or not (signal(7)).
    pub fn wait_for_any<'a, T, L: Iterator<Item = &'a Watchers>>(
        &self,
        lists: impl Fn() -> L,
        deadline: Option<Instant>,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Result<Option<T>, Errno> {
        if let Some(found) = ready() {
            return Ok(Some(found));
        }
        if self.is_past(deadline) {
            // A program that only ever looks lets run what it looks for.
            self.scheduler.yield_now();
            return match (ready(), self.deliver()) {
                (None, Delivery::Restart | Delivery::Interrupt) => Err(Errno::EINTR),
                (found, _) => Ok(found),
            };
        }
        let waiter = Waiter::running(self.scheduler);
        lists().for_each(|watchers| watchers.add(&waiter));
        let result = loop {
            if self.deliver() != Delivery::Nothing {
                break Err(Errno::EINTR);
            }
            self.scheduler.park(deadline);
            match ready() {
                None if !self.is_past(deadline) => {}
                found => break Ok(found),
            }
        };
        lists().for_each(|watchers| watchers.remove(&waiter));
        result
    }

    pub fn is_past(&self, deadline: Option<Instant>) -> bool {
        deadline.is_some_and(|deadline| deadline <= self.clock.now())
    }
}
