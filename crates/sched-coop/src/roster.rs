//! Which threads there are and who runs next: the scheduler without stacks, clock and processor.

use alloc::{collections::VecDeque, vec::Vec};

use iface_clock::Instant;
use iface_scheduler::{ThreadId, Wakeup};

use crate::alarms::Alarms;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Running, or in the queue of those who are ready.
    Ready,
    /// Until an unpark or its alarm.
    Parked,
    /// Until its alarm.
    Sleeping,
    /// Never again.
    Ended,
}

#[derive(Debug)]
struct Thread<T> {
    state: State,
    /// An unpark came while the thread was not parked.
    token: bool,
    wakeup: Wakeup,
    own: T,
}

#[derive(Debug)]
struct Slot<T> {
    /// How many threads had this slot before.
    generation: u32,
    thread: Option<Thread<T>>,
}

/// The threads; each carries a `T` for its owner. Threads are named by slot here, by [`ThreadId`] outside.
#[derive(Debug)]
pub(crate) struct Roster<T> {
    slots: Vec<Slot<T>>,
    free: Vec<usize>,
    ready: VecDeque<usize>,
    alarms: Alarms,
    running: usize,
}

impl<T> Roster<T> {
    /// One thread, which is running.
    pub(crate) fn new(own: T) -> Self {
        let mut roster = Self {
            slots: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            alarms: Alarms::default(),
            running: 0,
        };
        roster.insert(own);
        roster
    }

    /// Adds a thread that is ready.
    pub(crate) fn add(&mut self, own: T) -> ThreadId {
        let slot = self.insert(own);
        self.ready.push_back(slot);
        self.id(slot)
    }

    fn insert(&mut self, own: T) -> usize {
        let thread = Some(Thread { state: State::Ready, token: false, wakeup: Wakeup::Unparked, own });
        if let Some(slot) = self.free.pop() {
            self.slots[slot].thread = thread;
            return slot;
        }
        self.slots.push(Slot { generation: 0, thread });
        self.slots.len() - 1
    }

    fn id(&self, slot: usize) -> ThreadId {
        ThreadId(u64::from(self.slots[slot].generation) << 32 | slot as u64)
    }

    fn thread(&mut self, slot: usize) -> &mut Thread<T> {
        self.slots[slot].thread.as_mut().expect("a slot in use")
    }

    /// The slot of a thread that is not buried.
    fn find(&self, id: ThreadId) -> Option<usize> {
        let (slot, generation) = (id.0 as u32 as usize, (id.0 >> 32) as u32);
        let found = self.slots.get(slot).filter(|found| found.generation == generation)?;
        found.thread.is_some().then_some(slot)
    }

    /// The thread that is running.
    pub(crate) fn running(&self) -> ThreadId {
        self.id(self.running)
    }

    /// What the running thread carries.
    pub(crate) fn own(&mut self) -> &mut T {
        let running = self.running;
        &mut self.thread(running).own
    }

    /// How many threads wait for their turn.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Puts the running thread behind all who are ready.
    pub(crate) fn give_way(&mut self) {
        self.ready.push_back(self.running);
    }

    /// Parks the running thread; not where an unpark came before, which is used up: then false.
    pub(crate) fn park(&mut self, deadline: Option<Instant>) -> bool {
        let running = self.running;
        let thread = self.thread(running);
        if core::mem::take(&mut thread.token) {
            thread.wakeup = Wakeup::Unparked;
            return false;
        }
        thread.state = State::Parked;
        if let Some(deadline) = deadline {
            self.alarms.set(running, deadline);
        }
        true
    }

    /// Suspends the running thread until `deadline`.
    pub(crate) fn sleep(&mut self, deadline: Instant) {
        let running = self.running;
        self.thread(running).state = State::Sleeping;
        self.alarms.set(running, deadline);
    }

    /// Why the running thread runs again after it was parked.
    pub(crate) fn wakeup(&mut self) -> Wakeup {
        let running = self.running;
        self.thread(running).wakeup
    }

    /// Makes a parked thread ready, or its next park return at once.
    pub(crate) fn unpark(&mut self, id: ThreadId) {
        let Some(slot) = self.find(id) else { return };
        match self.thread(slot).state {
            State::Parked => {
                self.alarms.cancel(slot);
                self.wake(slot, Wakeup::Unparked);
            }
            State::Ready | State::Sleeping => self.thread(slot).token = true,
            State::Ended => {}
        }
    }

    /// When the next alarm goes off.
    pub(crate) fn next_alarm(&mut self) -> Option<Instant> {
        self.alarms.first()
    }

    /// Wakes every thread whose alarm is due.
    pub(crate) fn ring(&mut self, now: Instant) {
        while let Some(slot) = self.alarms.take_due(now) {
            self.wake(slot, Wakeup::TimedOut);
        }
    }

    fn wake(&mut self, slot: usize, wakeup: Wakeup) {
        let thread = self.thread(slot);
        thread.state = State::Ready;
        thread.wakeup = wakeup;
        self.ready.push_back(slot);
    }

    /// Makes the thread that has been ready longest the running one.
    pub(crate) fn turn(&mut self) -> Turn<'_, T> {
        let Some(next) = self.ready.pop_front() else { return Turn::Nobody };
        let before = core::mem::replace(&mut self.running, next);
        if before == next {
            return Turn::Same;
        }
        let own = |slot: usize| &self.slots[slot].thread.as_ref().expect("a slot in use").own;
        Turn::Switch {
            from: own(before),
            to: own(next),
            ended: self.has_ended(before).then_some(Ended(before)),
        }
    }

    fn has_ended(&self, slot: usize) -> bool {
        self.slots[slot].thread.as_ref().is_some_and(|thread| thread.state == State::Ended)
    }

    /// The running thread will not run again after the next [`turn`](Roster::turn).
    pub(crate) fn end(&mut self) {
        let running = self.running;
        self.thread(running).state = State::Ended;
    }

    /// Takes out a thread that ended, and gives what it carried.
    pub(crate) fn bury(&mut self, Ended(slot): Ended) -> Option<T> {
        let grave = &mut self.slots[slot];
        let thread = grave.thread.take()?;
        // A slot whose numbers are used up stays empty, so that no id is given twice.
        if let Some(generation) = grave.generation.checked_add(1) {
            grave.generation = generation;
            self.free.push(slot);
        }
        Some(thread.own)
    }
}

/// What [`Roster::turn`] came to.
#[derive(Debug)]
pub(crate) enum Turn<'a, T> {
    /// No thread is ready.
    Nobody,
    /// The running thread goes on.
    Same,
    /// Another thread runs now.
    Switch {
        /// What the thread that ran carries.
        from: &'a T,
        /// What the thread that runs now carries.
        to: &'a T,
        /// The thread that ran, where it ended.
        ended: Option<Ended>,
    },
}

/// A thread that ended and has been switched from, to [`bury`](Roster::bury).
#[derive(Debug)]
pub(crate) struct Ended(usize);
