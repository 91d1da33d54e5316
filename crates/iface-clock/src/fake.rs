//! A clock that a test moves by hand.

use core::cell::Cell;

use crate::{Clock, Duration, Instant};

/// Time that stands still until [`advance`](FakeClock::advance).
#[derive(Debug, Default)]
pub struct FakeClock {
    now: Cell<Instant>,
}

impl FakeClock {
    /// A clock at the start.
    pub const fn new() -> Self {
        Self { now: Cell::new(Instant::START) }
    }

    /// Moves time on.
    pub fn advance(&self, by: Duration) {
        self.now.set(self.now.get() + by);
    }
}

impl Clock for &'static FakeClock {
    fn now(&self) -> Instant {
        self.now.get()
    }

    fn wall_clock(&self) -> Option<Duration> {
        Some(self.now.get().since(Instant::START))
    }
}
