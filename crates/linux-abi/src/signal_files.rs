//! Signals that are read: `signalfd`.

use alloc::rc::{Rc, Weak};
use core::any::Any;
use core::cell::Cell;

use iface_scheduler::Scheduler;
use linux_raw_sys::general::{O_CLOEXEC, O_NONBLOCK, O_RDWR};
use open_file::{Errno, OpenFile, Readiness, Status, Watchers};

use crate::descriptors::{Descriptor, Entry};
use crate::epoll::anonymous;
use crate::identity::PROCESS;
use crate::linux::{Linux, World};
use crate::pending::{Listener, Pending, Sent};
use crate::signals::{SET_BYTES, Set};
use crate::user::User;

/// Bytes of what is read of each signal (`struct signalfd_siginfo`).
const RECORD: usize = 128;
/// A new file is asked for (signalfd(2)).
const NONE: Descriptor = Descriptor(-1);

/// What `signalfd` makes.
struct SignalFile<S> {
    pending: Rc<Pending>,
    scheduler: S,
    /// Which signals it reads.
    set: Cell<Set>,
    watchers: Watchers,
}

impl<S: Scheduler> Listener for SignalFile<S> {
    fn sent(&self, signal: u32) {
        if self.set.get().has(signal) {
            self.watchers.notify(Readiness::IN);
        }
    }
}

impl<S: Scheduler> OpenFile for SignalFile<S> {
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        if buffer.len() < RECORD {
            return Err(Errno::EINVAL);
        }
        let mut read = 0;
        for record in buffer.chunks_exact_mut(RECORD) {
            let Some(sent) = self.pending.take(self.scheduler.current(), self.set.get()) else { break };
            write_record(record, sent);
            read += RECORD;
        }
        if read == 0 { Err(Errno::EAGAIN) } else { Ok(read) }
    }

    fn status(&self) -> Result<Status, Errno> {
        Ok(anonymous())
    }

    fn readiness(&self) -> Readiness {
        let waiting = self.pending.set(self.scheduler.current());
        if waiting.without(waiting.without(self.set.get())) == Set::default() {
            Readiness::NONE
        } else {
            Readiness::IN
        }
    }

    fn watchers(&self) -> Option<&Watchers> {
        Some(&self.watchers)
    }
}

fn write_record(record: &mut [u8], sent: Sent) {
    record.fill(0);
    // Where a process and its user would be told, a timer tells its number.
    let (process, timer) = sent.timer.map_or((PROCESS as u32, 0), |timer| (0, timer));
    record[24..28].copy_from_slice(&timer.to_ne_bytes());
    record[..4].copy_from_slice(&sent.signal.to_ne_bytes());
    record[8..12].copy_from_slice(&sent.code.to_ne_bytes());
    record[12..16].copy_from_slice(&process.to_ne_bytes());
    // A value that was passed along, as a number of 32 bits and as an address.
    record[44..48].copy_from_slice(&(sent.value as u32).to_ne_bytes());
    record[48..56].copy_from_slice(&sent.value.to_ne_bytes());
}

impl<W: World> Linux<W> {
    pub fn make_signal_file(&self, fd: Descriptor, set: User<u64>, size: usize) -> Result<Descriptor, Errno> {
        self.make_signal_file_with_flags(fd, set, size, 0)
    }

    pub fn make_signal_file_with_flags(
        &self,
        fd: Descriptor,
        set: User<u64>,
        size: usize,
        flags: u32,
    ) -> Result<Descriptor, Errno> {
        if flags & !(O_CLOEXEC | O_NONBLOCK) != 0 || size != SET_BYTES {
            return Err(Errno::EINVAL);
        }
        let set = Set(self.load(set)?).without(Set::SURE);
        if fd != NONE {
            let file = self.file(fd)?;
            let known = (&*file as &dyn Any).downcast_ref::<SignalFile<W::Scheduler>>();
            known.ok_or(Errno::EINVAL)?.set.set(set);
            return Ok(fd);
        }
        let file = Rc::new(SignalFile {
            pending: Rc::clone(&self.signals.pending),
            scheduler: self.scheduler,
            set: Cell::new(set),
            watchers: Watchers::new(),
        });
        let listener: Weak<SignalFile<W::Scheduler>> = Rc::downgrade(&file);
        self.signals.pending.listen(listener);
        let entry = Entry::new(file, O_RDWR | flags & O_NONBLOCK, flags & O_CLOEXEC != 0);
        self.descriptors.borrow_mut().add(entry)
    }
}
