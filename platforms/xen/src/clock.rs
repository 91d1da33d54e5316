//! Time by what Xen keeps in the shared page.

use core::cell::Cell;

use iface_clock::{Clock, Duration, Instant};
use x86_64::SingleCore;
use x86_64::x86::time::rdtsc;

use crate::{Xen, shared_info};

struct State {
    /// Xen's system time, in nanoseconds, when the image started.
    start: Cell<u64>,
    /// What `now` returned last.
    latest: Cell<Instant>,
}

// SAFETY: the image runs on one processor; a report, made by a handler that never returns, may use it.
static STATE: SingleCore<State> =
    unsafe { SingleCore::new(State { start: Cell::new(0), latest: Cell::new(Instant::START) }) };

/// Has time begin when the time-stamp counter was `start`. The shared page is there.
pub(crate) fn init(start: u64) {
    STATE.start.set(shared_info::time().nanoseconds(|| start));
}

/// Xen's system time at `instant`, in nanoseconds.
pub(crate) fn system_time(instant: Instant) -> u64 {
    STATE.start.get().saturating_add(instant.as_nanos())
}

/// The time-stamp counter.
pub(crate) fn tsc() -> u64 {
    // SAFETY: reading it has no effect.
    unsafe { rdtsc() }
}

impl Clock for Xen {
    fn now(&self) -> Instant {
        let since = shared_info::time().nanoseconds(tsc).saturating_sub(STATE.start.get());
        let now = Instant::from_nanos(since).max(STATE.latest.get());
        STATE.latest.set(now);
        now
    }

    fn wall_clock(&self) -> Option<Duration> {
        let zero = shared_info::wall_clock().at_zero()?;
        Some(zero.saturating_add(Duration::from_nanos(system_time(self.now()))))
    }
}
