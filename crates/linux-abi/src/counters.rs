//! Event counters: `eventfd`.

use alloc::rc::Rc;
use core::cell::Cell;

use linux_raw_sys::general::{EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE, O_NONBLOCK, O_RDWR};
use open_file::{Errno, OpenFile, Readiness, Status, Watchers};

use crate::descriptors::{Descriptor, Entry};
use crate::epoll::anonymous;
use crate::linux::{Linux, World};

/// The most that a counter holds.
const MOST: u64 = u64::MAX - 1;

/// A counter.
struct Counter {
    count: Cell<u64>,
    /// A read takes 1, not all.
    semaphore: bool,
    watchers: Watchers,
}

impl OpenFile for Counter {
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let to = buffer.first_chunk_mut().ok_or(Errno::EINVAL)?;
        let count = match self.count.get() {
            0 => return Err(Errno::EAGAIN),
            _ if self.semaphore => 1,
            count => count,
        };
        self.count.set(self.count.get() - count);
        *to = count.to_ne_bytes();
        self.watchers.notify(Readiness::OUT);
        Ok(size_of::<u64>())
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let added = u64::from_ne_bytes(*bytes.first_chunk().ok_or(Errno::EINVAL)?);
        if added == u64::MAX {
            return Err(Errno::EINVAL);
        }
        let sum = self.count.get().checked_add(added).filter(|sum| *sum <= MOST);
        self.count.set(sum.ok_or(Errno::EAGAIN)?);
        self.watchers.notify(Readiness::IN);
        Ok(size_of::<u64>())
    }

    fn status(&self) -> Result<Status, Errno> {
        Ok(anonymous())
    }

    fn readiness(&self) -> Readiness {
        let readable = if self.count.get() > 0 { Readiness::IN } else { Readiness::NONE };
        let writable = if self.count.get() < MOST { Readiness::OUT } else { Readiness::NONE };
        readable | writable
    }

    fn watchers(&self) -> Option<&Watchers> {
        Some(&self.watchers)
    }
}

impl<W: World> Linux<W> {
    pub fn make_counter(&self, count: u32) -> Result<Descriptor, Errno> {
        self.make_counter_with_flags(count, 0)
    }

    pub fn make_counter_with_flags(&self, count: u32, flags: u32) -> Result<Descriptor, Errno> {
        if flags & !(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE) != 0 {
            return Err(Errno::EINVAL);
        }
        let counter = Counter {
            count: Cell::new(count.into()),
            semaphore: flags & EFD_SEMAPHORE != 0,
            watchers: Watchers::new(),
        };
        let nonblocking = if flags & EFD_NONBLOCK != 0 { O_NONBLOCK } else { 0 };
        let entry = Entry::new(Rc::new(counter), O_RDWR | nonblocking, flags & EFD_CLOEXEC != 0);
        self.descriptors.borrow_mut().add(entry)
    }
}
