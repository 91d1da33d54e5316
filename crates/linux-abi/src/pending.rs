//! Signals that were sent and not taken yet.

use alloc::collections::BTreeMap;
use alloc::rc::Weak;
use alloc::vec::Vec;
use core::cell::RefCell;

use iface_scheduler::ThreadId;
use linux_raw_sys::general::SIGRTMIN;
use open_file::Errno;

use crate::signals::Set;

/// Most signals for real time that wait for a thread, or for the process (`RLIMIT_SIGPENDING`).
const MOST: usize = 1024;

/// A signal as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub signal: u32,
    /// Where it comes from (`si_code` of sigaction(2)).
    pub code: i32,
    /// What the sender passed along, such as sigqueue(3).
    pub value: u64,
    /// The number of the timer that sent it (timer_create(2)).
    pub timer: Option<u32>,
}

impl Sent {
    /// One that no timer sent.
    pub const fn new(signal: u32, code: i32, value: u64) -> Self {
        Self { signal, code, value, timer: None }
    }
}

/// Signals that wait for a thread, or for the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue(Vec<Sent>);

impl Queue {
    /// A signal stands here once, but those for real time do each time they are sent (signal(7)).
    fn add(&mut self, sent: Sent) -> Result<(), Errno> {
        if sent.signal < SIGRTMIN && self.set().has(sent.signal) {
            return Ok(());
        }
        if self.0.len() >= MOST {
            return Err(Errno::EAGAIN);
        }
        self.0.push(sent);
        Ok(())
    }

    fn set(&self) -> Set {
        self.0.iter().fold(Set::default(), |set, sent| set.with(Set::of(sent.signal)))
    }

    /// Takes the lowest signal of a set, of several the one that was sent first.
    fn take(&mut self, from: Set) -> Option<Sent> {
        let signals = self.0.iter().enumerate().filter(|(_, sent)| from.has(sent.signal));
        let (index, _) = signals.min_by_key(|(_, sent)| sent.signal)?;
        Some(self.0.remove(index))
    }
}

/// Who is told of signals beside the threads.
pub(crate) trait Listener {
    /// A signal was sent.
    fn sent(&self, signal: u32);
}

/// All signals of the process that wait.
#[derive(Default)]
pub(crate) struct Pending {
    /// For any thread.
    shared: RefCell<Queue>,
    /// For one.
    own: RefCell<BTreeMap<ThreadId, Queue>>,
    listeners: RefCell<Vec<Weak<dyn Listener>>>,
}

impl Pending {
    /// Notes a signal for a thread, or for any.
    pub fn add(&self, thread: Option<ThreadId>, sent: Sent) -> Result<(), Errno> {
        match thread {
            Some(thread) => self.own.borrow_mut().entry(thread).or_default().add(sent)?,
            None => self.shared.borrow_mut().add(sent)?,
        }
        let listeners: Vec<_> = self.listeners.borrow().iter().filter_map(Weak::upgrade).collect();
        listeners.iter().for_each(|listener| listener.sent(sent.signal));
        Ok(())
    }

    /// Takes a signal of a set that waits for a thread: its own first.
    pub fn take(&self, thread: ThreadId, from: Set) -> Option<Sent> {
        let own = self.own.borrow_mut().get_mut(&thread).and_then(|queue| queue.take(from));
        own.or_else(|| self.shared.borrow_mut().take(from))
    }

    /// What waits for a thread, and for any.
    pub fn set(&self, thread: ThreadId) -> Set {
        let own = self.own.borrow().get(&thread).map(Queue::set).unwrap_or_default();
        own.with(self.shared.borrow().set())
    }

    /// Whether this one waits still for whomever it was sent to.
    pub fn has(&self, sent: Sent) -> bool {
        let waits = |queue: &Queue| queue.0.contains(&sent);
        waits(&self.shared.borrow()) || self.own.borrow().values().any(waits)
    }

    pub fn is_empty(&self) -> bool {
        self.shared.borrow().0.is_empty() && self.own.borrow().values().all(|queue| queue.0.is_empty())
    }

    /// A thread has ended, and what waited for it is lost.
    pub fn forget(&self, thread: ThreadId) {
        self.own.borrow_mut().remove(&thread);
    }

    /// Tells `listener` for as long as there is one.
    pub fn listen(&self, listener: Weak<dyn Listener>) {
        let mut listeners = self.listeners.borrow_mut();
        listeners.retain(|one| one.strong_count() > 0);
        listeners.push(listener);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREAD: ThreadId = ThreadId(1);

    fn sent(signal: u32, value: u64) -> Sent {
        Sent::new(signal, 0, value)
    }

    #[test]
    fn a_signal_waits_once_and_one_for_real_time_as_often_as_it_is_sent() {
        let pending = Pending::default();
        for signal in [10, 40, 10, 40, 35] {
            pending.add(None, sent(signal, 0)).unwrap();
        }
        let taken: Vec<_> =
            core::iter::from_fn(|| pending.take(THREAD, Set(u64::MAX))).map(|sent| sent.signal).collect();
        assert_eq!(taken, [10, 35, 40, 40]);
        assert!(pending.is_empty());
    }

    #[test]
    fn a_thread_takes_its_own_first_and_nobody_elses() {
        let pending = Pending::default();
        pending.add(None, sent(12, 1)).unwrap();
        pending.add(Some(THREAD), sent(12, 2)).unwrap();
        pending.add(Some(ThreadId(2)), sent(10, 3)).unwrap();
        assert_eq!(pending.take(THREAD, Set::of(11)), None);
        let values: Vec<_> =
            core::iter::from_fn(|| pending.take(THREAD, Set(u64::MAX))).map(|sent| sent.value).collect();
        assert_eq!(values, [2, 1]);
        pending.forget(ThreadId(2));
        assert!(pending.is_empty());
    }

    #[test]
    fn the_queue_ends_somewhere() {
        let pending = Pending::default();
        let added = (0..2 * MOST).take_while(|_| pending.add(None, sent(50, 0)).is_ok()).count();
        assert_eq!(added, MOST);
    }
}
