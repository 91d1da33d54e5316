//! How threads share the processor: there is one, and each runs until it waits.

use iface_clock::Duration;
use linux_raw_sys::general::{
    __kernel_timespec as Timespec, PRIO_USER, SCHED_BATCH, SCHED_FIFO, SCHED_IDLE, SCHED_NORMAL, SCHED_RR,
};
use open_file::Errno;

use crate::linux::{Linux, World};
use crate::time::timespec;
use crate::user::User;

/// Highest priority of the policies that have any.
const HIGHEST_PRIORITY: usize = 99;
/// What getpriority(2) gives for the usual niceness of 0: 20 less that.
const USUAL_NICENESS: usize = 20;
/// What Linux answers membarrier(2) asked for what it can do: `GLOBAL`, `PRIVATE_EXPEDITED` and the registration for that.
const BARRIERS: usize = 1 << 0 | 1 << 3 | 1 << 4;

impl<W: World> Linux<W> {
    /// Whether a number is one of a thread, 0 being the one that asks.
    fn is_thread(&self, number: i32) -> Result<(), Errno> {
        let number = u32::try_from(number).map_err(|_| Errno::EINVAL)?;
        if number == 0 || self.thread_of(number).is_some() { Ok(()) } else { Err(Errno::ESRCH) }
    }

    /// The one processor.
    pub fn affinity(&self, thread: i32, length: usize, to: User<u64>) -> Result<usize, Errno> {
        if length < size_of::<u64>() || !length.is_multiple_of(size_of::<u64>()) {
            return Err(Errno::EINVAL);
        }
        self.is_thread(thread).map_err(|_| Errno::ESRCH)?;
        self.store(to, 1)?;
        Ok(size_of::<u64>())
    }

    /// The one processor has to be among those of the set.
    pub fn set_affinity(&self, thread: i32, length: usize, from: User<u8>) -> Result<(), Errno> {
        self.is_thread(thread).map_err(|_| Errno::ESRCH)?;
        let set = self.bytes(from, length.min(size_of::<u64>()))?;
        if set.first().is_some_and(|first| first & 1 == 1) { Ok(()) } else { Err(Errno::EINVAL) }
    }

    /// `SCHED_OTHER`.
    pub fn policy(&self, thread: i32) -> Result<usize, Errno> {
        self.is_thread(thread).map(|()| SCHED_NORMAL as usize)
    }

    pub fn set_policy(&self, thread: i32, policy: u32, priority: User<i32>) -> Result<(), Errno> {
        self.is_thread(thread)?;
        match (policy, self.load(priority)?) {
            (SCHED_NORMAL | SCHED_BATCH | SCHED_IDLE, 0) => Ok(()),
            // Whoever runs first, a thread runs until it waits.
            (SCHED_FIFO | SCHED_RR, 1..=99) => Err(Errno::EPERM),
            _ => Err(Errno::EINVAL),
        }
    }

    pub fn priority_of(&self, thread: i32, to: User<i32>) -> Result<(), Errno> {
        self.is_thread(thread)?;
        self.store(to, 0)
    }

    pub fn set_priority_of(&self, thread: i32, from: User<i32>) -> Result<(), Errno> {
        self.is_thread(thread)?;
        if self.load(from)? == 0 { Ok(()) } else { Err(Errno::EINVAL) }
    }

    pub fn highest_priority(&self, policy: u32) -> Result<usize, Errno> {
        match policy {
            SCHED_FIFO | SCHED_RR => Ok(HIGHEST_PRIORITY),
            SCHED_NORMAL | SCHED_BATCH | SCHED_IDLE => Ok(0),
            _ => Err(Errno::EINVAL),
        }
    }

    pub fn lowest_priority(&self, policy: u32) -> Result<usize, Errno> {
        self.highest_priority(policy).map(|highest| highest.min(1))
    }

    /// Threads have no shares of time.
    pub fn share_of_time(&self, thread: i32, to: User<Timespec>) -> Result<(), Errno> {
        self.is_thread(thread)?;
        self.store(to, timespec(Duration::ZERO))
    }

    pub fn niceness(&self, which: u32) -> Result<usize, Errno> {
        if which <= PRIO_USER { Ok(USUAL_NICENESS) } else { Err(Errno::EINVAL) }
    }

    /// Threads that run until they wait are no nicer to one another by a number.
    pub fn set_niceness(&self, which: u32) -> Result<(), Errno> {
        self.niceness(which).map(drop)
    }

    /// No thread runs beside another: whatever it did is seen.
    pub fn barrier(&self, command: usize, flags: u32) -> Result<usize, Errno> {
        match command {
            _ if flags != 0 => Err(Errno::EINVAL),
            0 => Ok(BARRIERS),
            1 | 8 | 16 => Ok(0),
            _ => Err(Errno::EINVAL),
        }
    }
}
