//! How fast the counters run: told where somebody knows, else measured once, for a millisecond.

use core::cell::OnceCell;

use x86_64::{SingleCore, cpuid};

use super::interval_timer::{self, IntervalTimer};
use super::tsc;
use crate::events::local_apic;

/// Rates of the counters, in Hz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rates {
    /// The time-stamp counter.
    pub tsc: u64,
    /// The countdown of the local APIC.
    pub countdown: u64,
}

/// The window of a measurement: 0.9 ms.
const WINDOW: u16 = (interval_timer::RATE * 9 / 10_000) as u16;
/// Readings of which the quickest counts.
const READINGS: u32 = 8;

// SAFETY: the image runs on one processor, and no handler that returns uses it.
static RATES: SingleCore<OnceCell<Rates>> = unsafe { SingleCore::new(OnceCell::new()) };

/// The rates.
pub(crate) fn rates() -> Rates {
    *RATES.get_or_init(|| told().unwrap_or_else(measure))
}

fn told() -> Option<Rates> {
    let tsc = cpuid::tsc_rate()?;
    // With a deadline timer nobody asks for the countdown.
    let countdown = cpuid::local_apic_rate().or(cpuid::has_tsc_deadline().then_some(0))? / 16;
    Some(Rates { tsc, countdown })
}

/// All counters, read at one time.
#[derive(Clone, Copy, Debug)]
struct Reading {
    interval: u16,
    tsc: u64,
    countdown: u32,
    /// How long it took to read them, in counts of the time-stamp counter.
    width: u64,
}

/// Measurements that are begun, at most: each but the last lost the processor for the 55 ms that the interval timer runs.
const ATTEMPTS: u32 = 1000;

/// Measures until the processor was not lost for too long.
fn measure() -> Rates {
    let measured = (0..ATTEMPTS).find_map(|_| measure_once());
    measured
        .expect("the interval timer runs out at once: there is no rate of the time-stamp counter to go by")
}

/// Counts all of them against the interval timer; `None` where this ran out meanwhile. A vCPU may lose its processor at any
/// time, between two readings also: the quickest of several is the one in which it did not.
fn measure_once() -> Option<Rates> {
    let interval_timer = IntervalTimer::start();
    let apic = local_apic();
    apic.set_timer(u32::MAX);
    let read = || {
        let start = tsc();
        let interval = interval_timer.count();
        let countdown = apic.timer();
        let width = tsc() - start;
        Reading { interval, tsc: start + width / 2, countdown, width }
    };
    let quickest =
        || (1..READINGS).map(|_| read()).fold(read(), |a, b| if b.width < a.width { b } else { a });
    let begin = quickest();
    interval_timer.wait_until(begin.interval.saturating_sub(WINDOW));
    let end = quickest();
    apic.set_timer(0);
    // Where it ran out before `begin` was read, neither count tells anything; it stays run out.
    (!interval_timer.has_run_out()).then(|| rates_between(begin, end))
}

fn rates_between(begin: Reading, end: Reading) -> Rates {
    let elapsed = u64::from(begin.interval - end.interval).max(1);
    let rate = |counts: u64| counts * interval_timer::RATE / elapsed;
    Rates { tsc: rate(end.tsc - begin.tsc), countdown: rate(u64::from(begin.countdown - end.countdown)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_in_proportion() {
        let begin = Reading { interval: 60_000, tsc: 5_000, countdown: 4_000_000_000, width: 1 };
        let end = Reading {
            interval: 60_000 - 11_932,
            tsc: 5_000 + 25_000_000,
            countdown: 4_000_000_000 - 625_000,
            width: 1,
        };
        let rates = rates_between(begin, end);
        assert!(rates.tsc.abs_diff(2_500_000_000) < 100_000, "{rates:?}");
        assert!(rates.countdown.abs_diff(62_500_000) < 2_500, "{rates:?}");
    }
}
