//! What the process may use, and what it has used.

use iface_clock::{Clock, Instant};
use linux_raw_sys::general::{
    __kernel_old_timeval as Timeval, RLIMIT_CORE, RLIMIT_MEMLOCK, RLIMIT_NOFILE, RLIMIT_STACK, rlimit64,
    rusage,
};
use linux_raw_sys::system::sysinfo;
use open_file::Errno;

use crate::descriptors::LIMIT;
use crate::linux::{Linux, World};
use crate::user::{User, plain};

/// No limit (`RLIM_INFINITY`).
const UNLIMITED: u64 = u64::MAX;
/// Numbers of limits end here (`RLIM_NLIMITS`).
const LIMITS: u32 = 16;
/// What a C library takes for the size of a stack: that of a thread's own where it asks for no other.
const STACK: u64 = 8 << 20;
/// Ticks of a second in what times(2) counts.
const TICKS: u128 = 100;

plain!(rlimit64, rusage, sysinfo);

impl<W: World> Linux<W> {
    /// A limit as it is; none can be changed, but to what it is or less.
    pub fn limits(
        &self,
        process: i32,
        which: u32,
        new: User<rlimit64>,
        old: User<rlimit64>,
    ) -> Result<(), Errno> {
        if !matches!(process, 0 | 1) {
            return Err(Errno::ESRCH);
        }
        let limit = limit_of(which)?;
        if !new.is_null() {
            let wanted = self.load(new)?;
            if wanted.rlim_cur > wanted.rlim_max {
                return Err(Errno::EINVAL);
            }
            if wanted.rlim_max > limit {
                return Err(Errno::EPERM);
            }
        }
        self.store_if_asked(old, rlimit64 { rlim_cur: limit, rlim_max: limit })
    }

    pub fn limit(&self, which: u32, to: User<rlimit64>) -> Result<(), Errno> {
        self.limits(0, which, User::new(0), to)
    }

    pub fn set_limit(&self, which: u32, from: User<rlimit64>) -> Result<(), Errno> {
        self.limits(0, which, from, User::new(0))
    }

    /// All time since the start counts as the process's own.
    pub fn usage(&self, _who: i32, to: User<rusage>) -> Result<(), Errno> {
        let time = self.clock.now().since(Instant::START);
        // SAFETY: the structure is numbers alone.
        let mut usage: rusage = unsafe { core::mem::zeroed() };
        usage.ru_utime = Timeval { tv_sec: time.as_secs() as i64, tv_usec: time.subsec_micros().into() };
        self.store(to, usage)
    }

    pub fn times(&self, to: User<[i64; 4]>) -> Result<usize, Errno> {
        let ticks = (self.clock.now().since(Instant::START).as_nanos() * TICKS / 1_000_000_000) as i64;
        self.store_if_asked(to, [ticks, 0, 0, 0])?;
        Ok(ticks as usize)
    }

    pub fn system_information(&self, to: User<sysinfo>) -> Result<(), Errno> {
        // SAFETY: the structure is numbers alone.
        let mut information: sysinfo = unsafe { core::mem::zeroed() };
        let (total, free) = self.memory_pages();
        information.uptime = self.clock.now().since(Instant::START).as_secs() as i64;
        information.totalram = total;
        information.freeram = free;
        information.procs = 1;
        information.mem_unit = iface_address_space::PAGE_SIZE as u32;
        self.store(to, information)
    }

    /// The one processor.
    pub fn affinity(&self, _process: i32, length: usize, to: User<u64>) -> Result<usize, Errno> {
        if length < size_of::<u64>() {
            return Err(Errno::EINVAL);
        }
        self.store(to, 1)?;
        Ok(size_of::<u64>())
    }

    pub fn processor(&self, processor: User<u32>, node: User<u32>) -> Result<(), Errno> {
        self.store_if_asked(processor, 0)?;
        self.store_if_asked(node, 0)
    }
}

fn limit_of(which: u32) -> Result<u64, Errno> {
    match which {
        RLIMIT_NOFILE => Ok(LIMIT as u64),
        RLIMIT_STACK => Ok(STACK),
        RLIMIT_CORE => Ok(0),
        RLIMIT_MEMLOCK => Ok(UNLIMITED),
        which if which < LIMITS => Ok(UNLIMITED),
        _ => Err(Errno::EINVAL),
    }
}
