//! Clocks, and sleeping by them.

use iface_clock::{Clock, Duration, Instant};
use iface_scheduler::Scheduler;
use linux_raw_sys::general::{
    __kernel_timespec as Timespec, CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE,
    CLOCK_MONOTONIC_RAW, CLOCK_PROCESS_CPUTIME_ID, CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_TAI,
    CLOCK_THREAD_CPUTIME_ID, TIMER_ABSTIME, timeval, timezone,
};
use open_file::Errno;

use crate::linux::{Linux, World};
use crate::signals::Delivery;
use crate::user::{User, plain};

const NANOSECONDS: i64 = 1_000_000_000;

plain!(Timespec, timeval, timezone);

/// A length of time from a structure; `EINVAL` for one that is none.
pub(crate) fn duration(time: Timespec) -> Result<Duration, Errno> {
    let seconds = u64::try_from(time.tv_sec).map_err(|_| Errno::EINVAL)?;
    match time.tv_nsec {
        nanoseconds @ 0..NANOSECONDS => Ok(Duration::new(seconds, nanoseconds as u32)),
        _ => Err(Errno::EINVAL),
    }
}

/// The structure for a length of time.
pub(crate) fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    }
}

impl<W: World> Linux<W> {
    /// What a clock shows; that of the processor's time is taken for the time since the start, as one processor runs one
    /// process.
    pub fn clock(&self, clock: u32) -> Result<Duration, Errno> {
        // Programs ask for the time of day all the time, and reading the clock is most of what that costs.
        let since_start = || self.clock.now().since(Instant::START);
        match clock {
            CLOCK_REALTIME | CLOCK_REALTIME_COARSE | CLOCK_TAI => {
                Ok(self.clock.wall_clock().unwrap_or_else(since_start))
            }
            CLOCK_MONOTONIC
            | CLOCK_MONOTONIC_COARSE
            | CLOCK_MONOTONIC_RAW
            | CLOCK_BOOTTIME
            | CLOCK_PROCESS_CPUTIME_ID
            | CLOCK_THREAD_CPUTIME_ID => Ok(since_start()),
            clock if self.has_processor_time(clock) => Ok(since_start()),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Whether a clock is that of the processor's time of the process or one of its threads, whose complement it has above
    /// its lowest three bits (clock_getcpuclockid(3)).
    fn has_processor_time(&self, clock: u32) -> bool {
        let number = !(clock as i32 >> 3);
        let is_known =
            number == 0 || u32::try_from(number).is_ok_and(|number| self.thread_of(number).is_some());
        (clock as i32) < 0 && clock & 3 != 3 && is_known
    }

    /// When a clock will show `time`.
    pub fn when(&self, clock: u32, time: Duration) -> Result<Instant, Errno> {
        let left = time.saturating_sub(self.clock(clock)?);
        Ok(self.clock.now() + left)
    }

    pub fn clock_time(&self, clock: u32, to: User<Timespec>) -> Result<(), Errno> {
        self.store(to, timespec(self.clock(clock)?))
    }

    pub fn clock_resolution(&self, clock: u32, to: User<Timespec>) -> Result<(), Errno> {
        self.clock(clock)?;
        self.store_if_asked(to, timespec(Duration::from_nanos(1)))
    }

    pub fn time_of_day(&self, to: User<timeval>, zone: User<timezone>) -> Result<(), Errno> {
        let time = self.clock(CLOCK_REALTIME)?;
        self.store_if_asked(
            to,
            timeval { tv_sec: time.as_secs() as i64, tv_usec: time.subsec_micros().into() },
        )?;
        self.store_if_asked(zone, timezone { tz_minuteswest: 0, tz_dsttime: 0 })
    }

    pub fn seconds(&self, to: User<i64>) -> Result<usize, Errno> {
        let seconds = self.clock(CLOCK_REALTIME)?.as_secs();
        self.store_if_asked(to, seconds as i64)?;
        Ok(seconds as usize)
    }

    pub fn sleep(&self, time: User<Timespec>, left: User<Timespec>) -> Result<(), Errno> {
        let deadline = self.clock.now() + duration(self.load(time)?)?;
        self.sleep_until(deadline).inspect_err(|_| {
            // Where the program passed no address that can be written, it is not told how much was left.
            let _ = self.store_if_asked(left, timespec(deadline.since(self.clock.now())));
        })
    }

    /// Sleeps until `deadline`, or until a signal's handler has run.
    fn sleep_until(&self, deadline: Instant) -> Result<(), Errno> {
        while !self.is_past(Some(deadline)) {
            if self.deliver() != Delivery::Nothing {
                return Err(Errno::EINTR);
            }
            self.scheduler.park(Some(deadline));
        }
        Ok(())
    }

    pub fn sleep_by_clock(
        &self,
        clock: u32,
        flags: u32,
        time: User<Timespec>,
        left: User<Timespec>,
    ) -> Result<(), Errno> {
        if matches!(
            clock,
            CLOCK_THREAD_CPUTIME_ID | CLOCK_MONOTONIC_RAW | CLOCK_MONOTONIC_COARSE | CLOCK_REALTIME_COARSE
        ) {
            return Err(Errno::EOPNOTSUPP);
        }
        self.clock(clock)?;
        let time = duration(self.load(time)?)?;
        if flags & TIMER_ABSTIME != 0 {
            return self.sleep_until(self.when(clock, time)?);
        }
        let deadline = self.clock.now() + time;
        self.sleep_until(deadline).inspect_err(|_| {
            // As in `sleep`.
            let _ = self.store_if_asked(left, timespec(deadline.since(self.clock.now())));
        })
    }

    pub fn yield_processor(&self) {
        self.scheduler.yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_are_none_are_refused() {
        let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
        assert_eq!(duration(time(1, 5)), Ok(Duration::new(1, 5)));
        for (seconds, nanoseconds) in [(-1, 0), (0, -1), (0, NANOSECONDS), (i64::MIN, i64::MAX)] {
            assert_eq!(duration(time(seconds, nanoseconds)), Err(Errno::EINVAL));
        }
    }
}
