//! kvmclock (Linux, Documentation/virt/kvm/x86/msr.rst): the hypervisor keeps the scale of the time-stamp counter in memory.

use iface_clock::Duration;
use pvclock::{Shared, TimeInfo, WallClock};
use x86_64::cpuid;
use x86_64::x86::msr::wrmsr;

use super::tsc;
use crate::init;

/// The bit of KVM's features that says that the registers below are there.
const FEATURE: u32 = 1 << 3;
const WALL_CLOCK: u32 = 0x4b56_4d00;
const SYSTEM_TIME: u32 = 0x4b56_4d01;
/// In the address written to [`SYSTEM_TIME`]: keep it up to date.
const ENABLE: u64 = 1;

static TIME: Shared<TimeInfo> = Shared::<TimeInfo>::unset();
static WALL: Shared<WallClock> = Shared::<WallClock>::unset();

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
        TIME.is_set().then(|| Self { start: TIME.nanoseconds(init::start_tsc) })
    }

    /// Nanoseconds since the image started.
    pub fn since_start(&self) -> u64 {
        TIME.nanoseconds(tsc).saturating_sub(self.start)
    }

    /// The time of day when the image started, since 1970.
    pub fn start_of_day(&self) -> Option<Duration> {
        // SAFETY: as in `start`.
        unsafe { wrmsr(WALL_CLOCK, WALL.address()) };
        WALL.at_zero().map(|zero| zero + Duration::from_nanos(self.start))
    }

    /// The rate of the time-stamp counter in Hz.
    pub fn tsc_rate(&self) -> u64 {
        TIME.tsc_rate()
    }
}
