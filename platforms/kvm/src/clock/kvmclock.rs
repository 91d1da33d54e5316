//! kvmclock (Linux, Documentation/virt/kvm/x86/msr.rst): the hypervisor keeps the scale of the time-stamp counter in memory.

use core::cell::UnsafeCell;
use core::sync::atomic::{Ordering, fence};

use iface_clock::Duration;
use x86_64::cpuid;
use x86_64::x86::msr::wrmsr;

use super::{NANOSECONDS, tsc};
use crate::init;

/// The bit of KVM's features that says that the registers below are there.
const FEATURE: u32 = 1 << 3;
const WALL_CLOCK: u32 = 0x4b56_4d00;
const SYSTEM_TIME: u32 = 0x4b56_4d01;
/// In the address written to [`SYSTEM_TIME`]: keep it up to date.
const ENABLE: u64 = 1;

/// What the hypervisor writes, `pvclock_vcpu_time_info`.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
struct TimeInfo {
    /// Odd while it is being changed.
    version: u32,
    padding: u32,
    tsc: u64,
    /// Nanoseconds when the time-stamp counter was `tsc`.
    nanoseconds: u64,
    factor: u32,
    shift: i8,
    flags: u8,
    padding_end: [u8; 2],
}

/// `pvclock_wall_clock`.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
struct WallClock {
    version: u32,
    seconds: u32,
    nanoseconds: u32,
}

/// Memory that the hypervisor writes.
#[repr(transparent)]
struct Shared<T>(UnsafeCell<T>);

// SAFETY: the image only reads it, by volatile reads; the hypervisor writes it while the one processor is not running.
unsafe impl<T> Sync for Shared<T> {}

static TIME: Shared<TimeInfo> = Shared(UnsafeCell::new(TimeInfo {
    version: 0,
    padding: 0,
    tsc: 0,
    nanoseconds: 0,
    factor: 0,
    shift: 0,
    flags: 0,
    padding_end: [0; 2],
}));
static WALL: Shared<WallClock> =
    Shared(UnsafeCell::new(WallClock { version: 0, seconds: 0, nanoseconds: 0 }));

impl<T: Copy> Shared<T> {
    fn address(&self) -> u64 {
        self.0.get() as u64
    }

    /// What `work` makes of a copy that the hypervisor did not change meanwhile: the version, which every one of these
    /// structures begins with, is even, and the same before and after.
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

/// The clock, running.
pub(super) struct KvmClock {
    /// Its nanoseconds when the image started.
    start: u64,
}

impl KvmClock {
    /// Starts the clock where KVM offers it.
    pub fn start() -> Option<Self> {
        cpuid::kvm_features().filter(|features| features & FEATURE != 0)?;
        // SAFETY: the register is there; the memory is for the hypervisor to write.
        unsafe { wrmsr(SYSTEM_TIME, TIME.address() | ENABLE) };
        let info = TIME.read(|info| *info);
        (info.factor != 0).then(|| Self { start: info.at(init::start_tsc()) })
    }

    /// Nanoseconds since the image started.
    pub fn since_start(&self) -> u64 {
        // The counter is read within the same version: where the machine is moved to another host, both change.
        TIME.read(|info| info.at(tsc())).saturating_sub(self.start)
    }

    /// The time of day when the image started, since 1970.
    pub fn start_of_day(&self) -> Option<Duration> {
        // SAFETY: as in `start`.
        unsafe { wrmsr(WALL_CLOCK, WALL.address()) };
        let wall = WALL.read(|wall| *wall);
        let boot =
            Duration::new(u64::from(wall.seconds), 0) + Duration::from_nanos(u64::from(wall.nanoseconds));
        (wall.seconds != 0).then(|| boot + Duration::from_nanos(self.start))
    }

    /// The rate of the time-stamp counter in Hz.
    pub fn tsc_rate(&self) -> u64 {
        TIME.read(TimeInfo::tsc_rate)
    }
}

impl TimeInfo {
    /// Nanoseconds when the time-stamp counter is `tsc`, which may be earlier than this information.
    fn at(&self, tsc: u64) -> u64 {
        if tsc >= self.tsc {
            self.nanoseconds.wrapping_add(self.scaled(tsc - self.tsc))
        } else {
            self.nanoseconds.saturating_sub(self.scaled(self.tsc - tsc))
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

#[cfg(test)]
mod tests {
    use super::TimeInfo;

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
    fn the_rate_follows_from_the_scale() {
        assert!(info().tsc_rate().abs_diff(2_500_000_000) < 10);
    }
}
