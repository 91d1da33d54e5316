//! Time by the kernel's clocks, read through its shared page (vDSO) and so mostly without a system call.

use iface_clock::{Clock, Duration, Instant};
use rustix::time::{ClockId, Timespec, clock_gettime};

const NANOSECONDS: u64 = 1_000_000_000;

/// `CLOCK_MONOTONIC` since the image started, and `CLOCK_REALTIME`.
#[derive(Clone, Copy, Debug)]
pub struct LinuxClock {
    /// Nanoseconds of `CLOCK_MONOTONIC` when the image started.
    start: u64,
}

impl LinuxClock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self { start: nanoseconds(clock_gettime(ClockId::Monotonic)) }
    }
}

impl Clock for LinuxClock {
    fn now(&self) -> Instant {
        Instant::from_nanos(nanoseconds(clock_gettime(ClockId::Monotonic)) - self.start)
    }

    fn wall_clock(&self) -> Option<Duration> {
        let time = clock_gettime(ClockId::Realtime);
        Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec as u32))
    }
}

fn nanoseconds(time: Timespec) -> u64 {
    time.tv_sec as u64 * NANOSECONDS + time.tv_nsec as u64
}

/// `duration` as the kernel takes it; what is too long for that lasts for ever in any case.
pub(crate) fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn it_starts_near_zero_and_goes_on() {
        let clock = LinuxClock::start();
        let first = clock.now();
        std::thread::sleep(Duration::from_millis(2));
        let passed = clock.now().since(first);
        assert!(passed >= Duration::from_millis(2), "{passed:?}");
        assert!(clock.now().since(Instant::START) < Duration::from_secs(60));
    }

    #[test]
    fn the_day_is_the_hosts() {
        let theirs = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let ours = LinuxClock::start().wall_clock().unwrap();
        assert!(ours.abs_diff(theirs) < Duration::from_secs(10), "{ours:?} {theirs:?}");
    }
}
