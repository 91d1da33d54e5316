//! A scheduler for tests: it has one stack alone, real or made-up time, and real or made-up events.

use alloc::{boxed::Box, collections::BTreeSet, collections::VecDeque};
use core::cell::{Cell, RefCell};

use iface_clock::Clock;
use iface_events::Events;

use crate::{Instant, Scheduler, SpawnError, Stack, ThreadId, Wakeup};

/// Threads that all run on the stack of whoever called first.
///
/// A spawned body runs inside the next call that gives way, to its end; a thread that gives way in the meantime goes
/// on only after it. So a test must not have an outer thread wait for something that an inner one would do after
/// waiting for the outer one.
///
/// With [`FakeEvents`](iface_events::fake::FakeEvents) waiting moves their clock; with the events of a platform it
/// waits.
pub struct FakeScheduler<E, C> {
    events: E,
    clock: C,
    ready: RefCell<VecDeque<Spawned>>,
    current: Cell<ThreadId>,
    last: Cell<ThreadId>,
    unparked: RefCell<BTreeSet<ThreadId>>,
}

struct Spawned {
    thread: ThreadId,
    body: Box<dyn FnOnce()>,
}

impl<E: Events, C: Clock> FakeScheduler<E, C> {
    /// A scheduler whose one thread is the caller, for as long as the test runs.
    pub fn new(events: E, clock: C) -> &'static Self {
        Box::leak(Box::new(Self {
            events,
            clock,
            ready: RefCell::default(),
            current: Cell::new(ThreadId(0)),
            last: Cell::new(ThreadId(0)),
            unparked: RefCell::default(),
        }))
    }

    /// Runs one spawned body to its end, and says whether there was one.
    fn run_one(&self) -> bool {
        let Some(Spawned { thread, body }) = self.ready.borrow_mut().pop_front() else { return false };
        let outer = self.current.replace(thread);
        body();
        self.current.set(outer);
        self.unparked.borrow_mut().remove(&thread);
        true
    }

    fn is_past(&self, deadline: Option<Instant>) -> bool {
        deadline.is_some_and(|deadline| deadline <= self.clock.now())
    }
}

impl<E: Events, C: Clock> Scheduler for &'static FakeScheduler<E, C> {
    fn spawn(&self, _name: &'static str, body: Box<dyn FnOnce()>) -> Result<ThreadId, SpawnError> {
        let thread = ThreadId(self.last.get().0 + 1);
        self.last.set(thread);
        self.ready.borrow_mut().push_back(Spawned { thread, body });
        Ok(thread)
    }

    fn spawn_on(
        &self,
        name: &'static str,
        _stack: Stack,
        body: Box<dyn FnOnce()>,
    ) -> Result<ThreadId, SpawnError> {
        self.spawn(name, body)
    }

    /// # Panics
    /// Always: a body that runs inside another's call can end by returning alone.
    fn exit(&self) -> ! {
        panic!("a thread of the fake scheduler ends by returning")
    }

    /// Calls `apply` at once; a thread that goes on after another is not told again.
    fn set_own(&self, value: usize, apply: fn(usize)) {
        apply(value);
    }

    fn current(&self) -> ThreadId {
        self.current.get()
    }

    fn yield_now(&self) {
        self.events.poll();
        self.run_one();
    }

    fn park(&self, deadline: Option<Instant>) -> Wakeup {
        loop {
            if self.unparked.borrow_mut().remove(&self.current()) {
                return Wakeup::Unparked;
            }
            if self.is_past(deadline) {
                return Wakeup::TimedOut;
            }
            if !self.run_one() {
                self.events.wait(deadline);
            }
        }
    }

    fn unpark(&self, thread: ThreadId) {
        self.unparked.borrow_mut().insert(thread);
    }

    fn sleep_until(&self, deadline: Instant) {
        while !self.is_past(Some(deadline)) {
            if !self.run_one() {
                self.events.wait(Some(deadline));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::rc::Rc;

    use iface_clock::{Duration, fake::FakeClock};
    use iface_events::{Source, fake::FakeEvents};

    use super::*;
    use crate::WaitQueue;

    type Fake = &'static FakeScheduler<&'static FakeEvents, &'static FakeClock>;

    fn scheduler() -> (Fake, &'static FakeEvents) {
        let events = FakeEvents::new(Box::leak(Box::default()));
        (FakeScheduler::new(events, events.clock()), events)
    }

    fn at(ms: u64) -> Instant {
        Instant::START + Duration::from_millis(ms)
    }

    #[test]
    fn a_parked_thread_waits_for_an_event_or_its_deadline() {
        let (scheduler, events) = scheduler();
        let thread = scheduler.current();
        events.subscribe(Source(1), Box::new(move || scheduler.unpark(thread))).unwrap();
        events.fire_at(Source(1), at(4));
        assert_eq!(scheduler.park(Some(at(9))), Wakeup::Unparked);
        assert_eq!(events.clock().now(), at(4));
        assert_eq!(scheduler.park(Some(at(9))), Wakeup::TimedOut);
        assert_eq!(events.clock().now(), at(9));
    }

    #[test]
    fn an_early_unpark_is_not_lost() {
        let (scheduler, _) = scheduler();
        scheduler.unpark(scheduler.current());
        assert_eq!(scheduler.park(None), Wakeup::Unparked);
    }

    #[test]
    fn spawned_threads_run_when_the_caller_gives_way() {
        let (scheduler, _) = scheduler();
        let queue = Rc::new(WaitQueue::new());
        let done = Rc::new(Cell::new(false));
        let (waker, doer) = (Rc::clone(&queue), Rc::clone(&done));
        let outer = scheduler.current();
        let body = Box::new(move || {
            assert_ne!(scheduler.current(), outer);
            doer.set(true);
            waker.wake_one(scheduler);
        });
        scheduler.spawn("other", body).unwrap();
        assert!(!done.get());
        assert_eq!(queue.wait_for(scheduler, None, || done.get().then_some(7)), Some(7));
    }

    #[test]
    fn sleep_is_not_cut_short_by_an_unpark() {
        let (scheduler, events) = scheduler();
        scheduler.unpark(scheduler.current());
        scheduler.sleep_until(at(5));
        assert_eq!(events.clock().now(), at(5));
    }
}
