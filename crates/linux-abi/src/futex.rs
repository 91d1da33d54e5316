//! Waiting for a word of memory: `futex`.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::Rc;
use core::cell::Cell;

use iface_clock::Instant;
use iface_scheduler::{Scheduler, ThreadId};
use linux_raw_sys::general::{
    __kernel_timespec as Timespec, CLOCK_MONOTONIC, CLOCK_REALTIME, FUTEX_BITSET_MATCH_ANY,
    FUTEX_CLOCK_REALTIME, FUTEX_CMP_REQUEUE, FUTEX_PRIVATE_FLAG, FUTEX_REQUEUE, FUTEX_WAIT,
    FUTEX_WAIT_BITSET, FUTEX_WAKE, FUTEX_WAKE_BITSET,
};
use open_file::Errno;

use crate::linux::{Linux, World};
use crate::signals::Delivery;
use crate::time::duration;
use crate::user::User;

/// A thread that waits for a word.
struct Sleeper {
    thread: ThreadId,
    /// Which wakings it wants.
    bits: u32,
    woken: Cell<bool>,
    /// The word it waits for, which `FUTEX_REQUEUE` changes.
    address: Cell<usize>,
}

/// Threads that wait, by the address of the word.
#[derive(Default)]
pub(crate) struct Futexes(BTreeMap<usize, VecDeque<Rc<Sleeper>>>);

impl Futexes {
    fn add(&mut self, sleeper: &Rc<Sleeper>) {
        self.0.entry(sleeper.address.get()).or_default().push_back(Rc::clone(sleeper));
    }

    fn remove(&mut self, sleeper: &Rc<Sleeper>) {
        if let Some(queue) = self.0.get_mut(&sleeper.address.get()) {
            queue.retain(|one| !Rc::ptr_eq(one, sleeper));
            self.forget_if_empty(sleeper.address.get());
        }
    }

    fn forget_if_empty(&mut self, address: usize) {
        if self.0.get(&address).is_some_and(VecDeque::is_empty) {
            self.0.remove(&address);
        }
    }

    /// Takes the sleeper that has waited longest for one of `bits`.
    fn take(&mut self, address: usize, bits: u32) -> Option<Rc<Sleeper>> {
        let queue = self.0.get_mut(&address)?;
        let index = queue.iter().position(|sleeper| sleeper.bits & bits != 0)?;
        let sleeper = queue.remove(index);
        self.forget_if_empty(address);
        sleeper
    }
}

impl<W: World> Linux<W> {
    pub fn futex(
        &self,
        address: User<u32>,
        operation: u32,
        value: u32,
        time_or_count: usize,
        other: User<u32>,
        extra: u32,
    ) -> Result<usize, Errno> {
        if !address.address().is_multiple_of(align_of::<u32>()) {
            return Err(Errno::EINVAL);
        }
        let clock = if operation & FUTEX_CLOCK_REALTIME != 0 { CLOCK_REALTIME } else { CLOCK_MONOTONIC };
        match operation & !(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME) {
            FUTEX_WAIT => {
                let deadline = self.deadline_of(User::new(time_or_count))?;
                self.wait_for_word(address, value, FUTEX_BITSET_MATCH_ANY, deadline)
            }
            FUTEX_WAIT_BITSET => {
                let deadline = self.point_in_time(clock, User::new(time_or_count))?;
                self.wait_for_word(address, value, extra, deadline)
            }
            FUTEX_WAKE => Ok(self.wake_word(address, value, FUTEX_BITSET_MATCH_ANY)),
            FUTEX_WAKE_BITSET if extra == 0 => Err(Errno::EINVAL),
            FUTEX_WAKE_BITSET => Ok(self.wake_word(address, value, extra)),
            FUTEX_REQUEUE => Ok(self.requeue(address, value, time_or_count as u32, other).0),
            FUTEX_CMP_REQUEUE if self.load(address)? != extra => Err(Errno::EAGAIN),
            FUTEX_CMP_REQUEUE => {
                let (woken, moved) = self.requeue(address, value, time_or_count as u32, other);
                Ok(woken + moved)
            }
            _ => Err(Errno::ENOSYS),
        }
    }

    /// The point in time that a structure names; never without one.
    fn point_in_time(&self, clock: u32, time: User<Timespec>) -> Result<Option<Instant>, Errno> {
        if time.is_null() {
            return Ok(None);
        }
        let time = duration(self.load(time)?)?;
        self.when(clock, time).map(Some)
    }

    fn wait_for_word(
        &self,
        address: User<u32>,
        expected: u32,
        bits: u32,
        deadline: Option<Instant>,
    ) -> Result<usize, Errno> {
        if bits == 0 {
            return Err(Errno::EINVAL);
        }
        if self.load(address)? != expected {
            return Err(Errno::EAGAIN);
        }
        let sleeper = Rc::new(Sleeper {
            thread: self.scheduler.current(),
            bits,
            woken: Cell::new(false),
            address: Cell::new(address.address()),
        });
        self.futexes.borrow_mut().add(&sleeper);
        while !sleeper.woken.get() {
            if self.is_past(deadline) {
                self.futexes.borrow_mut().remove(&sleeper);
                return Err(Errno::ETIMEDOUT);
            }
            if self.deliver() == Delivery::Interrupt {
                self.futexes.borrow_mut().remove(&sleeper);
                return Err(Errno::EINTR);
            }
            self.scheduler.park(deadline);
        }
        Ok(0)
    }

    /// Wakes `most` threads, and says how many there were.
    pub fn wake_word(&self, address: User<u32>, most: u32, bits: u32) -> usize {
        let mut count = 0;
        while count < most as usize {
            let Some(sleeper) = self.futexes.borrow_mut().take(address.address(), bits) else { break };
            sleeper.woken.set(true);
            self.scheduler.unpark(sleeper.thread);
            count += 1;
        }
        count
    }

    /// Wakes `most` threads, and has `others` of the rest wait for another word; says how many of each.
    fn requeue(&self, address: User<u32>, most: u32, others: u32, other: User<u32>) -> (usize, usize) {
        let woken = self.wake_word(address, most, FUTEX_BITSET_MATCH_ANY);
        let mut futexes = self.futexes.borrow_mut();
        let mut moved = 0;
        while moved < others as usize {
            let Some(sleeper) = futexes.take(address.address(), FUTEX_BITSET_MATCH_ANY) else { break };
            sleeper.address.set(other.address());
            futexes.add(&sleeper);
            moved += 1;
        }
        (woken, moved)
    }
}
