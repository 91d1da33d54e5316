//! Timers: `timerfd`, `alarm`, `setitimer`. One thread, started with the first of them, waits for whichever is next, those of
//! POSIX among them.

use alloc::boxed::Box;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};

use iface_clock::{Clock, Duration, Instant};
use iface_scheduler::{Scheduler, ThreadId};
use linux_raw_sys::general::{
    __kernel_itimerspec as TimerValue, CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_REALTIME, ITIMER_REAL,
    O_NONBLOCK, O_RDWR, SIGALRM, TFD_CLOEXEC, TFD_NONBLOCK, TFD_TIMER_ABSTIME, itimerval, timeval,
};
use open_file::{Errno, OpenFile, Readiness, Status, Watchers};

use crate::descriptors::{Descriptor, Entry};
use crate::epoll::anonymous;
use crate::linux::{Linux, World};
use crate::posix_timers::PosixTimers;
use crate::start;
use crate::time::{duration, timespec};
use crate::user::{User, plain};

plain!(TimerValue, itimerval);

/// When a timer goes off, and how often after that.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Setting {
    pub next: Option<Instant>,
    pub interval: Duration,
}

impl Setting {
    /// Counts how often it has gone off by `now`, and moves on behind that.
    pub fn advance(&mut self, now: Instant) -> u64 {
        let Some(next) = self.next.filter(|next| *next <= now) else { return 0 };
        let interval = self.interval.as_nanos();
        if interval == 0 {
            self.next = None;
            return 1;
        }
        let missed = now.since(next).as_nanos() / interval;
        let behind = u64::try_from((missed + 1).saturating_mul(interval)).unwrap_or(u64::MAX);
        self.next = Some(next + Duration::from_nanos(behind));
        u64::try_from(missed + 1).unwrap_or(u64::MAX)
    }

    /// How long until it goes off; nothing where it is off.
    fn left(&self, now: Instant) -> Duration {
        self.next.map_or(Duration::ZERO, |next| next.since(now))
    }
}

/// What `timerfd_create` makes.
struct TimerFile<C> {
    clock: C,
    /// Linux's number of the clock by which absolute times are.
    kind: u32,
    setting: RefCell<Setting>,
    /// How often it went off since that was read.
    count: Cell<u64>,
    watchers: Watchers,
}

/// A timer as the thread that waits for all of them sees it, whatever its clock.
trait Timer {
    /// When it goes off next.
    fn next(&self) -> Option<Instant>;

    /// Notes that time has come so far.
    fn look(&self);
}

impl<C: Clock> Timer for TimerFile<C> {
    fn next(&self) -> Option<Instant> {
        self.setting.borrow().next
    }

    fn look(&self) {
        let passed = self.setting.borrow_mut().advance(self.clock.now());
        if passed > 0 {
            self.count.set(self.count.get().saturating_add(passed));
            self.watchers.notify(Readiness::IN);
        }
    }
}

impl<C: Clock> OpenFile for TimerFile<C> {
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let to = buffer.first_chunk_mut().ok_or(Errno::EINVAL)?;
        self.look();
        match self.count.take() {
            0 => Err(Errno::EAGAIN),
            count => {
                *to = count.to_ne_bytes();
                Ok(size_of::<u64>())
            }
        }
    }

    fn status(&self) -> Result<Status, Errno> {
        Ok(anonymous())
    }

    fn readiness(&self) -> Readiness {
        self.look();
        if self.count.get() > 0 { Readiness::IN } else { Readiness::NONE }
    }

    fn watchers(&self) -> Option<&Watchers> {
        Some(&self.watchers)
    }
}

/// The timers of the process.
#[derive(Default)]
pub(crate) struct Timers {
    files: RefCell<Vec<Weak<dyn Timer>>>,
    /// That of `alarm` and `setitimer`.
    alarm: RefCell<Setting>,
    pub posix: PosixTimers,
    /// Who waits for them, once there was one.
    thread: Cell<Option<ThreadId>>,
}

impl Timers {
    /// Has the running thread be the one that waits for timers.
    #[cfg(test)]
    pub fn claim(&self) {
        self.thread.set(Some(ThreadId(0)));
    }

    fn next(&self) -> Option<Instant> {
        let files = self.files.borrow();
        let nexts = files.iter().filter_map(|timer| timer.upgrade()?.next());
        nexts.chain(self.alarm.borrow().next).chain(self.posix.next()).min()
    }
}

impl<W: World> Linux<W> {
    /// Waits for one timer after the other, for good.
    pub fn run_timers(&self) -> ! {
        loop {
            self.scheduler.park(self.timers.next());
            let timers: Vec<_> = self.timers.files.borrow().iter().filter_map(Weak::upgrade).collect();
            timers.iter().for_each(|timer| timer.look());
            let passed = self.timers.alarm.borrow_mut().advance(self.clock.now());
            if passed > 0 {
                self.send_from_kernel(SIGALRM);
            }
            self.look_at_posix_timers();
        }
    }

    /// Has the thread that waits for the timers look at them again; starts it where there is none.
    pub fn timers_changed(&self) -> Result<(), Errno> {
        if let Some(thread) = self.timers.thread.get() {
            self.scheduler.unpark(thread);
            return Ok(());
        }
        let started = self.scheduler.spawn("timers", Box::new(|| start::run_timers()));
        self.timers.thread.set(Some(started.map_err(|_| Errno::ENOMEM)?));
        Ok(())
    }

    pub fn make_timer(&self, clock: u32, flags: u32) -> Result<Descriptor, Errno> {
        if flags & !(TFD_CLOEXEC | TFD_NONBLOCK) != 0
            || !matches!(clock, CLOCK_REALTIME | CLOCK_MONOTONIC | CLOCK_BOOTTIME)
        {
            return Err(Errno::EINVAL);
        }
        let timer = Rc::new(TimerFile {
            clock: self.clock,
            kind: clock,
            setting: RefCell::default(),
            count: Cell::default(),
            watchers: Watchers::new(),
        });
        let known: Rc<dyn Timer> = Rc::clone(&timer) as _;
        let mut files = self.timers.files.borrow_mut();
        files.retain(|one| one.strong_count() > 0);
        files.push(Rc::downgrade(&known));
        let nonblocking = if flags & TFD_NONBLOCK != 0 { O_NONBLOCK } else { 0 };
        let entry = Entry::new(timer, O_RDWR | nonblocking, flags & TFD_CLOEXEC != 0);
        self.descriptors.borrow_mut().add(entry)
    }

    pub fn set_timer(
        &self,
        fd: Descriptor,
        flags: u32,
        new: User<TimerValue>,
        old: User<TimerValue>,
    ) -> Result<(), Errno> {
        let file = self.file(fd)?;
        let timer = self.as_timer(&*file)?;
        if flags & !TFD_TIMER_ABSTIME != 0 {
            return Err(Errno::EINVAL);
        }
        let value = self.load(new)?;
        let (first, interval) = (duration(value.it_value)?, duration(value.it_interval)?);
        let next = match first {
            Duration::ZERO => None,
            time if flags & TFD_TIMER_ABSTIME != 0 => Some(self.when(timer.kind, time)?),
            delay => Some(self.clock.now() + delay),
        };
        let before = timer.setting.replace(Setting { next, interval });
        timer.count.set(0);
        self.store_if_asked(old, self.timer_value(&before))?;
        self.timers_changed()
    }

    pub fn timer_left(&self, fd: Descriptor, to: User<TimerValue>) -> Result<(), Errno> {
        let file = self.file(fd)?;
        let timer = self.as_timer(&*file)?;
        timer.look();
        let value = self.timer_value(&timer.setting.borrow());
        self.store(to, value)
    }

    fn as_timer<'a>(&self, file: &'a dyn OpenFile) -> Result<&'a TimerFile<W::Clock>, Errno> {
        (file as &dyn Any).downcast_ref().ok_or(Errno::EINVAL)
    }

    pub fn timer_value(&self, setting: &Setting) -> TimerValue {
        TimerValue {
            it_interval: timespec(setting.interval),
            it_value: timespec(setting.left(self.clock.now())),
        }
    }

    /// Says how many seconds were left of the alarm before.
    pub fn set_alarm(&self, seconds: u32) -> Result<usize, Errno> {
        let next = (seconds > 0).then(|| self.clock.now() + Duration::from_secs(seconds.into()));
        let before = self.timers.alarm.replace(Setting { next, interval: Duration::ZERO });
        self.timers_changed()?;
        // What is left of a second counts as one, so that 0 says that there was no alarm.
        Ok(before.left(self.clock.now()).as_millis().div_ceil(1000) as usize)
    }

    pub fn set_interval_timer(
        &self,
        which: u32,
        new: User<itimerval>,
        old: User<itimerval>,
    ) -> Result<(), Errno> {
        if which != ITIMER_REAL {
            return Err(Errno::EINVAL);
        }
        let value = self.load(new)?;
        let (first, interval) = (interval_of(value.it_value)?, interval_of(value.it_interval)?);
        let next = (first > Duration::ZERO).then(|| self.clock.now() + first);
        let before = self.timers.alarm.replace(Setting { next, interval });
        self.store_if_asked(old, self.interval_value(&before))?;
        self.timers_changed()
    }

    pub fn interval_timer(&self, which: u32, to: User<itimerval>) -> Result<(), Errno> {
        if which != ITIMER_REAL {
            return Err(Errno::EINVAL);
        }
        let value = self.interval_value(&self.timers.alarm.borrow());
        self.store(to, value)
    }

    fn interval_value(&self, setting: &Setting) -> itimerval {
        let value =
            |time: Duration| timeval { tv_sec: time.as_secs() as i64, tv_usec: time.subsec_micros().into() };
        itimerval { it_interval: value(setting.interval), it_value: value(setting.left(self.clock.now())) }
    }
}

fn interval_of(time: timeval) -> Result<Duration, Errno> {
    let seconds = u64::try_from(time.tv_sec).map_err(|_| Errno::EINVAL)?;
    match time.tv_usec {
        microseconds @ 0..1_000_000 => Ok(Duration::new(seconds, microseconds as u32 * 1000)),
        _ => Err(Errno::EINVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_counts_what_it_missed() {
        let at = Instant::from_nanos;
        let mut setting = Setting { next: Some(at(100)), interval: Duration::from_nanos(30) };
        assert_eq!(setting.advance(at(99)), 0);
        assert_eq!((setting.advance(at(100)), setting.next), (1, Some(at(130))));
        assert_eq!((setting.advance(at(195)), setting.next), (3, Some(at(220))));
        let mut once = Setting { next: Some(at(5)), interval: Duration::ZERO };
        assert_eq!((once.advance(at(9)), once.next, once.advance(at(99))), (1, None, 0));
    }
}
