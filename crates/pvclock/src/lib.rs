#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "the hypervisor writes what is read")]

use core::cell::UnsafeCell;
use core::sync::atomic::{Ordering, fence};
use core::time::Duration;

const NANOSECONDS: u64 = 1_000_000_000;

/// What a hypervisor tells of a processor's time-stamp counter (`vcpu_time_info`).
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub struct TimeInfo {
    /// Odd while it is being changed.
    version: u32,
    padding: u32,
    tsc: u64,
    /// Nanoseconds when the time-stamp counter was `tsc`.
    nanoseconds: u64,
    /// Nanoseconds of a shifted count, as a fixed-point number with 32 bits behind the point.
    factor: u32,
    /// How far a count is shifted to the left first.
    shift: i8,
    flags: u8,
    padding_end: [u8; 2],
}

/// The time of day when the hypervisor's nanoseconds were 0 (`pvclock_wall_clock`, and `wc_*` of Xen's `shared_info`).
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub struct WallClock {
    version: u32,
    seconds: u32,
    nanoseconds: u32,
    /// The upper half of the seconds, which Xen tells; KVM leaves it alone.
    seconds_high: u32,
}

/// What a hypervisor changes under a version number.
///
/// # Safety
/// It begins with that number, of 32 bits, and any bits are a value of it.
unsafe trait Versioned: Copy {}

// SAFETY: integers alone, the first of them the version.
unsafe impl Versioned for TimeInfo {}
// SAFETY: as above.
unsafe impl Versioned for WallClock {}

/// Memory that the hypervisor writes.
#[derive(Debug)]
#[repr(transparent)]
pub struct Shared<T>(UnsafeCell<T>);

// SAFETY: the image only reads it, by volatile reads; the hypervisor writes it while the one processor is not running, or
// else tells so by the version.
unsafe impl<T> Sync for Shared<T> {}

impl Shared<TimeInfo> {
    /// Memory in which the hypervisor has written nothing yet.
    pub const fn unset() -> Self {
        Self(UnsafeCell::new(TimeInfo {
            version: 0,
            padding: 0,
            tsc: 0,
            nanoseconds: 0,
            factor: 0,
            shift: 0,
            flags: 0,
            padding_end: [0; 2],
        }))
    }

    /// Whether the hypervisor has written anything yet.
    pub fn is_set(&self) -> bool {
        self.read(|info| info.factor != 0)
    }

    /// Nanoseconds of the hypervisor's clock when the time-stamp counter is what `tsc` returns. It is called within the
    /// same version: where the machine is moved to another host, both change.
    pub fn nanoseconds(&self, tsc: impl Fn() -> u64) -> u64 {
        self.read(|info| info.at(tsc()))
    }

    /// The rate of the time-stamp counter in Hz.
    pub fn tsc_rate(&self) -> u64 {
        self.read(TimeInfo::tsc_rate)
    }
}

impl Shared<WallClock> {
    /// Memory in which the hypervisor has written nothing yet.
    pub const fn unset() -> Self {
        Self(UnsafeCell::new(WallClock { version: 0, seconds: 0, nanoseconds: 0, seconds_high: 0 }))
    }

    /// The time of day, since 1970, when the hypervisor's nanoseconds were 0; `None` where it does not tell.
    pub fn at_zero(&self) -> Option<Duration> {
        self.read(WallClock::at_zero)
    }
}

#[expect(private_bounds, reason = "the two structures are all there are")]
impl<T: Versioned> Shared<T> {
    /// Where the hypervisor is to write.
    pub fn address(&self) -> u64 {
        self.0.get() as u64
    }

    /// What `work` makes of a copy that the hypervisor did not change meanwhile: the version is even, and the same before
    /// and after.
    fn read<R>(&self, work: impl Fn(&T) -> R) -> R {
        loop {
            let before = self.version();
            fence(Ordering::Acquire);
            // SAFETY: the memory is valid for reads, and any bits are a value of `T`.
            let result = work(&unsafe { self.0.get().read_volatile() });
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && before == self.version() {
                return result;
            }
        }
    }

    fn version(&self) -> u32 {
        // SAFETY: as in `read`; the first word is the version.
        unsafe { self.0.get().cast::<u32>().read_volatile() }
    }
}

impl TimeInfo {
    /// Nanoseconds when the time-stamp counter is `tsc`, which may be earlier than this information. The counter of a guest
    /// that was started since the hypervisor last looked at it is below 0 in the information.
    fn at(&self, tsc: u64) -> u64 {
        let counts = tsc.wrapping_sub(self.tsc).cast_signed();
        let nanoseconds = self.scaled(counts.unsigned_abs());
        if counts >= 0 {
            self.nanoseconds.wrapping_add(nanoseconds)
        } else {
            self.nanoseconds.saturating_sub(nanoseconds)
        }
    }

    fn scaled(&self, counts: u64) -> u64 {
        let shift = u32::from(self.shift.unsigned_abs()).min(63);
        let shifted = if self.shift < 0 { counts >> shift } else { counts << shift };
        ((u128::from(shifted) * u128::from(self.factor)) >> 32) as u64
    }

    fn tsc_rate(&self) -> u64 {
        let shift = u32::from(self.shift.unsigned_abs()).min(63);
        let rate = (NANOSECONDS << 32) / u64::from(self.factor.max(1));
        if self.shift < 0 { rate << shift } else { rate >> shift }
    }
}

impl WallClock {
    fn at_zero(&self) -> Option<Duration> {
        let seconds = u64::from(self.seconds_high) << 32 | u64::from(self.seconds);
        let nanoseconds = Duration::from_nanos(u64::from(self.nanoseconds));
        (seconds != 0).then(|| Duration::from_secs(seconds).saturating_add(nanoseconds))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    /// 2.5 GHz, as KVM tells it: 2 counts make 0.8 nanoseconds.
    fn info() -> TimeInfo {
        TimeInfo {
            version: 2,
            padding: 0,
            tsc: 1_000_000,
            nanoseconds: 7_000_000,
            factor: 3_435_973_836,
            shift: -1,
            flags: 0,
            padding_end: [0; 2],
        }
    }

    #[test]
    fn time_runs_both_ways_from_the_information() {
        assert_eq!(info().at(1_000_000), 7_000_000);
        assert_eq!(info().at(1_000_000 + 2_500_000), 7_999_999);
        assert_eq!(info().at(1_000_000 - 2_500), 7_000_000 - 999);
    }

    #[test]
    fn a_guest_younger_than_the_information_has_the_time() {
        let info = TimeInfo { tsc: 0u64.wrapping_sub(2_500), ..info() };
        assert_eq!(info.at(0), 7_000_000 + 999);
    }

    #[test]
    fn the_rate_follows_from_the_scale() {
        assert!(info().tsc_rate().abs_diff(2_500_000_000) < 10);
    }

    #[test]
    fn the_time_of_day_has_64_bits_of_seconds() {
        let wall = |seconds, seconds_high| WallClock { version: 0, seconds, nanoseconds: 5, seconds_high };
        assert_eq!(wall(0, 0).at_zero(), None);
        assert_eq!(wall(7, 0).at_zero(), Some(Duration::new(7, 5)));
        assert_eq!(wall(7, 1).at_zero(), Some(Duration::new((1 << 32) + 7, 5)));
    }

    #[test]
    fn the_structures_are_as_long_as_the_hypervisors() {
        assert_eq!((size_of::<TimeInfo>(), size_of::<WallClock>()), (32, 16));
    }

    #[test]
    fn what_changes_meanwhile_is_read_again() {
        let shared = Shared(UnsafeCell::new(info()));
        let reads = Cell::new(0);
        let change = |version: u32, nanoseconds: u64| {
            // SAFETY: no reference to the information lives, as `read` copies it.
            unsafe { *shared.0.get() = TimeInfo { version, nanoseconds, ..info() } };
        };
        // As the hypervisor does: changed under the first two reads, the second time half written.
        let now = shared.nanoseconds(|| {
            reads.set(reads.get() + 1);
            match reads.get() {
                1 => change(3, 8),
                2 => change(4, 9),
                _ => {}
            }
            1_000_000
        });
        assert_eq!((now, reads.get()), (9, 3));
    }

    proptest! {
        /// Of any information a hypervisor writes, a time and a rate are made.
        #[test]
        fn no_information_stops_the_image(
            tsc: u64, nanoseconds: u64, factor: u32, shift: i8, now: u64,
        ) {
            let info = TimeInfo { tsc, nanoseconds, factor, shift, ..info() };
            info.at(now);
            info.tsc_rate();
        }
    }
}
