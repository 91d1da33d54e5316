//! Time: kvmclock where there is one, else the time-stamp counter.

mod calendar;
mod interval_timer;
mod kvmclock;
mod rates;

use core::cell::{Cell, OnceCell};

use iface_clock::{Clock, Duration, Instant};
use x86_64::SingleCore;
use x86_64::x86::time::rdtsc;

use crate::{Kvm, init};
use kvmclock::KvmClock;
pub(crate) use rates::rates;

const NANOSECONDS: u64 = 1_000_000_000;

/// What tells the time.
enum Source {
    KvmClock(KvmClock),
    Counter(Scale),
}

struct State {
    source: OnceCell<Source>,
    /// What `now` returned last.
    latest: Cell<Instant>,
    /// The time of day at the start of the image.
    start_of_day: OnceCell<Option<Duration>>,
}

// SAFETY: the image runs on one processor, and no handler that returns uses it.
static STATE: SingleCore<State> = unsafe {
    SingleCore::new(State {
        source: OnceCell::new(),
        latest: Cell::new(Instant::START),
        start_of_day: OnceCell::new(),
    })
};

fn source() -> &'static Source {
    STATE.source.get_or_init(|| match KvmClock::start() {
        Some(clock) => Source::KvmClock(clock),
        None => Source::Counter(Scale::new(rates().tsc)),
    })
}

impl Clock for Kvm {
    fn now(&self) -> Instant {
        let now = match source() {
            Source::KvmClock(clock) => clock.since_start(),
            Source::Counter(scale) => scale.nanoseconds(tsc().wrapping_sub(init::start_tsc())),
        };
        let now = Instant::from_nanos(now).max(STATE.latest.get());
        STATE.latest.set(now);
        now
    }

    fn wall_clock(&self) -> Option<Duration> {
        let start = STATE.start_of_day.get_or_init(|| match source() {
            Source::KvmClock(clock) => clock.start_of_day(),
            Source::Counter(_) => calendar::read()?.checked_sub(self.now().since(Instant::START)),
        });
        start.map(|start| start + self.now().since(Instant::START))
    }
}

/// The rate of the time-stamp counter in Hz.
pub(crate) fn tsc_rate() -> u64 {
    match source() {
        Source::KvmClock(clock) => clock.tsc_rate(),
        Source::Counter(_) => rates().tsc,
    }
}

/// The time-stamp counter.
pub(crate) fn tsc() -> u64 {
    // SAFETY: reading it has no effect.
    unsafe { rdtsc() }
}

/// From counts to nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Scale {
    /// Nanoseconds of a count, as a fixed-point number with 32 bits behind the point.
    factor: u64,
}

impl Scale {
    /// For a counter of `rate` Hz.
    fn new(rate: u64) -> Self {
        let factor = (u128::from(NANOSECONDS) << 32) / u128::from(rate.max(1));
        Self { factor: u64::try_from(factor).unwrap_or(u64::MAX) }
    }

    fn nanoseconds(self, counts: u64) -> u64 {
        ((u128::from(counts) * u128::from(self.factor)) >> 32) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::Scale;

    #[test]
    fn counts_become_nanoseconds() {
        assert_eq!(Scale::new(1_000_000_000).nanoseconds(12_345), 12_345);
        assert_eq!(Scale::new(2_000_000_000).nanoseconds(u64::MAX), u64::MAX / 2);
        let year = Scale::new(2_899_886_123).nanoseconds(2_899_886_123 * 31_536_000);
        assert!((year as f64 / 31_536e12 - 1.0).abs() < 1e-8, "{year}");
    }
}
