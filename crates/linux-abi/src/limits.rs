//! What the process may use, and what it has used.

use iface_clock::{Clock, Duration, Instant};
use linux_raw_sys::general::{
    __kernel_old_timeval as Timeval, RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_STACK, RUSAGE_CHILDREN, RUSAGE_SELF,
    RUSAGE_THREAD, rlimit64, rusage,
};
use linux_raw_sys::system::sysinfo;
use open_file::Errno;

use crate::descriptors::LIMIT;
use crate::linux::{Linux, World};
use crate::user::{User, plain};

/// No limit (`RLIM_INFINITY`).
const UNLIMITED: u64 = u64::MAX;
/// Numbers of limits end here (`RLIM_NLIMITS`).
const LIMITS: usize = 16;
/// What a C library takes for the size of a stack: that of a thread's own where it asks for no other.
const STACK: u64 = 8 << 20;
/// Ticks of a second in what times(2) counts.
const TICKS: u128 = 100;

plain!(rlimit64, rusage, sysinfo);

/// The limits of the process, by their numbers.
pub(crate) struct Limits([rlimit64; LIMITS]);

impl Default for Limits {
    fn default() -> Self {
        let mut limits = [rlimit64 { rlim_cur: UNLIMITED, rlim_max: UNLIMITED }; LIMITS];
        limits[RLIMIT_NOFILE as usize] = rlimit64 { rlim_cur: LIMIT as u64, rlim_max: LIMIT as u64 };
        limits[RLIMIT_STACK as usize].rlim_cur = STACK;
        limits[RLIMIT_CORE as usize].rlim_cur = 0;
        Self(limits)
    }
}

impl<W: World> Linux<W> {
    /// A limit, and another instead. That of descriptors alone is kept to; no process may have more than there are.
    pub fn limits(
        &self,
        process: i32,
        which: u32,
        new: User<rlimit64>,
        old: User<rlimit64>,
    ) -> Result<(), Errno> {
        let index = Some(which as usize).filter(|index| *index < LIMITS).ok_or(Errno::EINVAL)?;
        if !matches!(process, 0 | 1) {
            return Err(Errno::ESRCH);
        }
        let before = self.limits.borrow().0[index];
        if !new.is_null() {
            let wanted = self.load(new)?;
            if wanted.rlim_cur > wanted.rlim_max {
                return Err(Errno::EINVAL);
            }
            let is_root = self.effective_user() == 0 && which != RLIMIT_NOFILE;
            if wanted.rlim_max > before.rlim_max && !is_root {
                return Err(Errno::EPERM);
            }
            self.limits.borrow_mut().0[index] = wanted;
            if which == RLIMIT_NOFILE {
                self.descriptors.borrow_mut().limit_to(wanted.rlim_cur as usize);
            }
        }
        self.store_if_asked(old, before)
    }

    pub fn limit(&self, which: u32, to: User<rlimit64>) -> Result<(), Errno> {
        self.limits(0, which, User::new(0), to)
    }

    pub fn set_limit(&self, which: u32, from: User<rlimit64>) -> Result<(), Errno> {
        self.limits(0, which, from, User::new(0))
    }

    /// All time since the start counts as the process's own. It has no children.
    pub fn usage(&self, who: i32, to: User<rusage>) -> Result<(), Errno> {
        const SELF: i32 = RUSAGE_SELF as i32;
        const THREAD: i32 = RUSAGE_THREAD as i32;
        let time = match who {
            SELF | THREAD => self.clock.now().since(Instant::START),
            RUSAGE_CHILDREN => Duration::ZERO,
            _ => return Err(Errno::EINVAL),
        };
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

    pub fn processor(&self, processor: User<u32>, node: User<u32>) -> Result<(), Errno> {
        self.store_if_asked(processor, 0)?;
        self.store_if_asked(node, 0)
    }
}
