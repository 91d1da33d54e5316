//! Timers of POSIX, which send signals: `timer_create` and what belongs to it.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use iface_clock::{Clock, Duration, Instant};
use linux_raw_sys::general::{
    __kernel_itimerspec as TimerValue, CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID,
    CLOCK_REALTIME, CLOCK_TAI, CLOCK_THREAD_CPUTIME_ID, SI_TIMER, SIGALRM, SIGEV_NONE, SIGEV_SIGNAL,
    SIGEV_THREAD, SIGEV_THREAD_ID, TIMER_ABSTIME,
};
use open_file::Errno;

use crate::linux::{Linux, World};
use crate::pending::Sent;
use crate::signals;
use crate::time::duration;
use crate::timers::Setting;
use crate::user::{User, plain};

/// Most timers of a process; on Linux those count as signals that wait (`RLIMIT_SIGPENDING`).
const MOST: usize = 1024;
/// The highest count of missed times (`DELAYTIMER_MAX`).
const MOST_MISSED: u64 = i32::MAX as u64;

plain!(Event);

/// How a program wants to be told (`struct sigevent` as the kernel has it).
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Event {
    value: u64,
    signal: u32,
    notify: u32,
    thread: u32,
    _rest: [u32; 11],
}

/// Who is told.
#[derive(Clone, Copy)]
enum Told {
    Nobody,
    Process,
    /// The thread that Linux numbers so.
    Thread(u32),
}

/// A timer.
pub(crate) struct PosixTimer {
    /// Linux's number of the clock by which absolute times are.
    clock: u32,
    told: Told,
    sent: Sent,
    setting: RefCell<Setting>,
    /// How often it went off beside the once that its last signal stands for (timer_getoverrun(2)).
    missed: Cell<u64>,
}

/// The timers by their numbers. A number is given once.
#[derive(Default)]
pub(crate) struct PosixTimers {
    timers: RefCell<BTreeMap<u32, Rc<PosixTimer>>>,
    next_number: Cell<u32>,
}

impl PosixTimers {
    /// When one goes off next that somebody is told of.
    pub fn next(&self) -> Option<Instant> {
        let timers = self.timers.borrow();
        timers
            .values()
            .filter(|timer| !matches!(timer.told, Told::Nobody))
            .filter_map(|timer| timer.next())
            .min()
    }

    fn get(&self, number: u32) -> Result<Rc<PosixTimer>, Errno> {
        self.timers.borrow().get(&number).cloned().ok_or(Errno::EINVAL)
    }

    /// How often the timer went off that sent a signal, beside the once that the signal stands for; 0 for one that is gone.
    pub fn missed(&self, number: u32) -> u32 {
        self.get(number).map_or(0, |timer| timer.missed.get() as u32)
    }
}

impl PosixTimer {
    fn next(&self) -> Option<Instant> {
        self.setting.borrow().next
    }

    /// Notes that it went off, and says whether that is for another signal than the one that `waits` still.
    fn goes_off(&self, times: u64, waits: bool) -> bool {
        let missed = if waits { self.missed.get().saturating_add(times) } else { times - 1 };
        self.missed.set(missed.min(MOST_MISSED));
        !waits
    }
}

impl<W: World> Linux<W> {
    pub fn make_posix_timer(&self, clock: u32, event: User<Event>, to: User<u32>) -> Result<(), Errno> {
        if !matches!(
            clock,
            CLOCK_REALTIME
                | CLOCK_MONOTONIC
                | CLOCK_BOOTTIME
                | CLOCK_TAI
                | CLOCK_PROCESS_CPUTIME_ID
                | CLOCK_THREAD_CPUTIME_ID
        ) {
            return Err(Errno::EINVAL);
        }
        let posix = &self.timers.posix;
        if posix.timers.borrow().len() >= MOST {
            return Err(Errno::EAGAIN);
        }
        let number = posix.next_number.get();
        let (told, signal, value) = if event.is_null() {
            (Told::Process, SIGALRM, number.into())
        } else {
            let event = self.load(event)?;
            (self.told_by(&event)?, event.signal, event.value)
        };
        self.store(to, number)?;
        let sent = Sent { signal, code: SI_TIMER, value, timer: Some(number) };
        let timer = PosixTimer { clock, told, sent, setting: RefCell::default(), missed: Cell::new(0) };
        posix.timers.borrow_mut().insert(number, Rc::new(timer));
        posix.next_number.set(number.wrapping_add(1));
        Ok(())
    }

    /// Whom an event tells; `EINVAL` for nobody that there is, and for no signal.
    fn told_by(&self, event: &Event) -> Result<Told, Errno> {
        let told = match event.notify {
            SIGEV_NONE => return Ok(Told::Nobody),
            // A library starts the thread itself, and has itself sent a signal as with the first.
            SIGEV_SIGNAL | SIGEV_THREAD => Told::Process,
            SIGEV_THREAD_ID => {
                self.thread_of(event.thread).ok_or(Errno::EINVAL)?;
                Told::Thread(event.thread)
            }
            _ => return Err(Errno::EINVAL),
        };
        signals::checked(event.signal).map(|_| told)
    }

    /// Sends the signals of timers that have gone off.
    pub fn look_at_posix_timers(&self) {
        let due: Vec<_> = {
            let timers = self.timers.posix.timers.borrow();
            let now = self.clock.now();
            timers.values().filter(|timer| timer.next().is_some_and(|next| next <= now)).cloned().collect()
        };
        due.iter().for_each(|timer| self.look_at_posix_timer(timer));
    }

    fn look_at_posix_timer(&self, timer: &PosixTimer) {
        let times = timer.setting.borrow_mut().advance(self.clock.now());
        if times == 0 || !timer.goes_off(times, self.signals.pending.has(timer.sent)) {
            return;
        }
        // Where too many signals wait, this one is lost.
        let _ = match timer.told {
            Told::Nobody => Ok(()),
            Told::Process => self.send(None, timer.sent),
            Told::Thread(number) => {
                self.thread_of(number).map_or(Ok(()), |thread| self.send(Some(thread), timer.sent))
            }
        };
    }

    pub fn set_posix_timer(
        &self,
        number: u32,
        flags: u32,
        new: User<TimerValue>,
        old: User<TimerValue>,
    ) -> Result<(), Errno> {
        if new.is_null() {
            return Err(Errno::EINVAL);
        }
        let value = self.load(new)?;
        let (first, interval) = (duration(value.it_value)?, duration(value.it_interval)?);
        let timer = self.timers.posix.get(number)?;
        let next = match first {
            Duration::ZERO => None,
            time if flags & TIMER_ABSTIME != 0 => Some(self.when(timer.clock, time)?),
            delay => Some(self.clock.now() + delay),
        };
        // An interval counts only for a timer that is set.
        let interval = if next.is_some() { interval } else { Duration::ZERO };
        self.look_at_posix_timer(&timer);
        let before = timer.setting.replace(Setting { next, interval });
        self.timers_changed()?;
        self.store_if_asked(old, self.timer_value(&before))
    }

    pub fn posix_timer_left(&self, number: u32, to: User<TimerValue>) -> Result<(), Errno> {
        let timer = self.timers.posix.get(number)?;
        self.look_at_posix_timer(&timer);
        let value = self.timer_value(&timer.setting.borrow());
        self.store(to, value)
    }

    pub fn posix_timer_missed(&self, number: u32) -> Result<usize, Errno> {
        self.timers.posix.get(number).map(|timer| timer.missed.get() as usize)
    }

    pub fn delete_posix_timer(&self, number: u32) -> Result<(), Errno> {
        self.timers.posix.timers.borrow_mut().remove(&number).map(drop).ok_or(Errno::EINVAL)
    }
}
