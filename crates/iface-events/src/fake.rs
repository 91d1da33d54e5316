//! Event sources that a test fires by hand, in time that a test moves.

use alloc::{boxed::Box, collections::BTreeMap, rc::Rc, vec::Vec};
use core::cell::RefCell;

use iface_clock::{Clock, Instant, fake::FakeClock};

use crate::{Events, Handler, Source, SubscribeError};

/// Sources that fire when [`fire`](FakeEvents::fire) says so, or at a point in time that
/// [`fire_at`](FakeEvents::fire_at) set. Waiting moves the clock instead of halting.
pub struct FakeEvents {
    clock: &'static FakeClock,
    handlers: RefCell<Vec<(Source, Rc<Handler>)>>,
    /// What is to fire, by time; what fired already stands at the time it fired.
    schedule: RefCell<BTreeMap<Instant, Vec<Source>>>,
}

impl FakeEvents {
    /// Sources in the time of `clock`, for as long as the test runs.
    pub fn new(clock: &'static FakeClock) -> &'static Self {
        Box::leak(Box::new(Self { clock, handlers: RefCell::default(), schedule: RefCell::default() }))
    }

    /// The clock that waiting moves.
    pub fn clock(&self) -> &'static FakeClock {
        self.clock
    }

    /// Fires `source` now.
    pub fn fire(&self, source: Source) {
        self.fire_at(source, self.clock.now());
    }

    /// Has `source` fire at `when`; at once where that is past.
    pub fn fire_at(&self, source: Source, when: Instant) {
        let mut schedule = self.schedule.borrow_mut();
        let sources = schedule.entry(when).or_default();
        if !sources.contains(&source) {
            sources.push(source);
        }
    }

    /// Takes the sources that fired up to now, in the order in which they did.
    fn take_fired(&self) -> Vec<Source> {
        let now = self.clock.now();
        let mut schedule = self.schedule.borrow_mut();
        let mut fired = Vec::new();
        while let Some(first) = schedule.first_entry().filter(|first| *first.key() <= now) {
            fired.extend(first.remove());
        }
        fired
    }

    /// The handlers of `source`. Held by count, so that a handler may subscribe further ones.
    fn handlers_of(&self, source: Source) -> Vec<Rc<Handler>> {
        let handlers = self.handlers.borrow();
        handlers.iter().filter(|(of, _)| *of == source).map(|(_, handler)| Rc::clone(handler)).collect()
    }
}

impl Events for &'static FakeEvents {
    fn subscribe(&self, source: Source, handler: Handler) -> Result<(), SubscribeError> {
        self.handlers.borrow_mut().push((source, Rc::new(handler)));
        Ok(())
    }

    fn poll(&self) -> bool {
        let fired = self.take_fired();
        for source in &fired {
            for handler in self.handlers_of(*source) {
                handler();
            }
        }
        !fired.is_empty()
    }

    /// # Panics
    /// When it would wait for ever: there is no deadline, and nothing is to fire.
    fn wait(&self, deadline: Option<Instant>) {
        let next = self.schedule.borrow().keys().next().copied();
        let until = match (next, deadline) {
            (Some(next), Some(deadline)) => next.min(deadline),
            (one, other) => one.or(other).expect("a wait that nothing would ever end"),
        };
        self.clock.advance(until.since(self.clock.now()));
        self.poll();
    }
}

#[cfg(test)]
mod tests {
    use core::{cell::Cell, time::Duration};

    use super::*;

    fn counter(events: &'static FakeEvents, source: Source) -> Rc<Cell<u32>> {
        let count = Rc::new(Cell::new(0));
        let counted = Rc::clone(&count);
        events.subscribe(source, Box::new(move || counted.set(counted.get() + 1))).unwrap();
        count
    }

    fn events() -> &'static FakeEvents {
        FakeEvents::new(Box::leak(Box::default()))
    }

    #[test]
    fn every_handler_of_a_shared_source_is_called() {
        let events = events();
        let (one, two, other) =
            (counter(events, Source(1)), counter(events, Source(1)), counter(events, Source(2)));
        assert!(!events.poll());
        events.fire(Source(1));
        assert!(events.poll());
        assert!(!events.poll());
        assert_eq!((one.get(), two.get(), other.get()), (1, 1, 0));
    }

    #[test]
    fn waiting_ends_at_the_first_event_or_at_the_deadline() {
        let events = events();
        let count = counter(events, Source(7));
        let at = |ms| Instant::START + Duration::from_millis(ms);
        events.fire_at(Source(7), at(5));
        events.wait(Some(at(3)));
        assert_eq!((events.clock().now(), count.get()), (at(3), 0));
        events.wait(Some(at(10)));
        assert_eq!((events.clock().now(), count.get()), (at(5), 1));
    }

    #[test]
    #[should_panic(expected = "nothing would ever end")]
    fn an_endless_wait_is_told() {
        events().wait(None);
    }
}
