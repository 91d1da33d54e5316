//! Locks of files (flock(2)), which open file descriptions have, and waiting for a lock of either kind.

use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;

use iface_scheduler::Scheduler;
use linux_raw_sys::general::{LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN};
use open_file::{Errno, Readiness, Watchers};

use crate::descriptors::{Description, Descriptor};
use crate::linux::{Linux, World};
use crate::range_locks::RangeLocks;
use crate::signals::Delivery;
use crate::waiting::Waiter;

/// A lock of flock(2), gone with its open file description.
struct Lock {
    /// Device and number of the file.
    file: (u64, u64),
    holder: Weak<Description>,
    is_exclusive: bool,
}

/// The locks of flock(2) and of ranges, and who waits for one.
#[derive(Default)]
pub(crate) struct Locks {
    locks: Vec<Lock>,
    pub ranges: RangeLocks,
    pub waiting: Rc<Watchers>,
}

impl Locks {
    /// Whether nobody but `holder` itself keeps it from a lock.
    fn is_free(&self, file: (u64, u64), holder: &Rc<Description>, is_exclusive: bool) -> bool {
        let others = self
            .locks
            .iter()
            .filter(|lock| lock.file == file && lock.holder.strong_count() > 0 && !is_of(lock, holder));
        others.into_iter().all(|lock| !is_exclusive && !lock.is_exclusive)
    }

    /// Takes away what `holder` has, and what nobody has any more.
    fn release(&mut self, holder: &Rc<Description>) {
        self.locks.retain(|lock| lock.holder.strong_count() > 0 && !is_of(lock, holder));
    }
}

fn is_of(lock: &Lock, holder: &Rc<Description>) -> bool {
    core::ptr::eq(lock.holder.as_ptr(), Rc::as_ptr(holder))
}

impl<W: World> Linux<W> {
    pub fn lock(&self, fd: Descriptor, operation: u32) -> Result<(), Errno> {
        let holder = Rc::clone(&self.descriptors.borrow().get_open(fd)?.description);
        let is_exclusive = match operation & !LOCK_NB {
            LOCK_SH => false,
            LOCK_EX => true,
            LOCK_UN => {
                self.locks.borrow_mut().release(&holder);
                self.locks_changed();
                return Ok(());
            }
            _ => return Err(Errno::EINVAL),
        };
        let status = holder.file.status()?;
        let file = (status.device, status.inode);
        // What it has is given up first, so that two that want more of the same don't wait for each other (flock(2)).
        self.locks.borrow_mut().release(&holder);
        self.locks_changed();
        if operation & LOCK_NB == 0 {
            self.wait_for_lock(|locks| locks.is_free(file, &holder, is_exclusive))?;
        } else if !self.locks.borrow().is_free(file, &holder, is_exclusive) {
            return Err(Errno::EAGAIN);
        }
        self.locks.borrow_mut().locks.push(Lock { file, holder: Rc::downgrade(&holder), is_exclusive });
        Ok(())
    }

    pub fn wait_for_lock(&self, is_free: impl Fn(&Locks) -> bool) -> Result<(), Errno> {
        let waiting = Rc::clone(&self.locks.borrow().waiting);
        let waiter = Waiter::running(self.scheduler);
        waiting.add(&waiter);
        let result = loop {
            if is_free(&self.locks.borrow()) {
                break Ok(());
            }
            if self.deliver() == Delivery::Interrupt {
                break Err(Errno::EINTR);
            }
            self.scheduler.park(None);
        };
        waiting.remove(&waiter);
        result
    }

    /// Has those who wait for a lock look again: one was given up, or a descriptor closed.
    pub fn locks_changed(&self) {
        let waiting = Rc::clone(&self.locks.borrow().waiting);
        waiting.notify(Readiness::IN);
    }
}
