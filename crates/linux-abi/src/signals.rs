//! Signals: noted when they are sent, and delivered where a call ends or waits. A handler is an ordinary call on the stack of
//! the thread that it interrupts.

use core::cell::{Cell, RefCell};

use iface_platform::{ExitStatus, Platform};
use iface_scheduler::{Scheduler, ThreadId};
use linux_raw_sys::general::{
    __kernel_timespec as Timespec, SA_NODEFER, SA_RESETHAND, SA_RESTART, SA_SIGINFO, SIG_BLOCK, SIG_SETMASK,
    SIG_UNBLOCK, SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH, SS_DISABLE,
    sigaltstack,
};
use open_file::Errno;

use crate::linux::{Linux, World};
use crate::user::{User, plain};

/// The highest number (`_NSIG`).
const HIGHEST: u32 = 64;
/// Bytes of a set of signals, as every call that has one says again.
const SET_BYTES: usize = 8;
/// `SIG_DFL` and `SIG_IGN`.
const DEFAULT: usize = 0;
const IGNORED: usize = 1;
/// Where a signal comes from: a process (`SI_USER` of siginfo_t).
const FROM_PROCESS: u32 = 0;
/// An exit status for an end by signal n is this plus n, as shells have it.
const ENDED_BY_SIGNAL: u32 = 128;

plain!(Action, Information, sigaltstack);

/// A set of signals: bit n - 1 for signal n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set(pub u64);

impl Set {
    const fn of(signal: u32) -> Self {
        Self(1 << (signal - 1))
    }

    /// Those that nobody can hold off.
    const SURE: Self = Self(Self::of(SIGKILL).0 | Self::of(SIGSTOP).0);

    /// The lowest signal that is in it and not in `other`.
    const fn first_without(self, other: Self) -> Option<u32> {
        match self.0 & !other.0 {
            0 => None,
            left => Some(left.trailing_zeros() + 1),
        }
    }

    /// Whether a signal is in it.
    pub const fn has(self, signal: u32) -> bool {
        self.0 & Self::of(signal).0 != 0
    }
}

/// What a program does about a signal (`struct sigaction` as the kernel has it).
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Action {
    /// The address of a function, [`DEFAULT`] or [`IGNORED`].
    handler: usize,
    flags: usize,
    restorer: usize,
    mask: u64,
}

impl Action {
    fn has(&self, flag: u32) -> bool {
        self.flags & flag as usize != 0
    }
}

/// What a handler is told (`siginfo_t`), as far as it is known here.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Information {
    signal: u32,
    errno: u32,
    code: u32,
    rest: [u32; 29],
}

/// What the signals of the process have in common.
pub(crate) struct Signals {
    actions: RefCell<[Action; HIGHEST as usize]>,
    /// Signals that any thread may take.
    shared: Cell<Set>,
    /// Whether any was sent since the last look: a call looks no further where none was.
    any: Cell<bool>,
}

impl Default for Signals {
    fn default() -> Self {
        Self { actions: RefCell::new([Action::default(); _]), shared: Cell::default(), any: Cell::default() }
    }
}

/// The signals of a thread.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ThreadSignals {
    /// Held off.
    pub mask: Set,
    /// Sent to this thread alone.
    pub pending: Set,
}

/// What became of the signals that a waiting thread was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// There were none, or only such as go by unseen.
    Nothing,
    /// A handler ran that lets calls go on (`SA_RESTART`).
    Restart,
    /// A handler ran, and the call ends.
    Interrupt,
}

/// What happens where a program has said nothing (signal(7)).
fn goes_unseen(signal: u32) -> bool {
    matches!(signal, SIGCHLD | SIGURG | SIGWINCH | SIGCONT | SIGTSTP | SIGTTIN | SIGTTOU | SIGSTOP)
}

fn checked(signal: u32) -> Result<u32, Errno> {
    if (1..=HIGHEST).contains(&signal) { Ok(signal) } else { Err(Errno::EINVAL) }
}

impl<W: World> Linux<W> {
    pub fn set_action(
        &self,
        signal: u32,
        new: User<Action>,
        old: User<Action>,
        size: usize,
    ) -> Result<(), Errno> {
        let signal = checked(signal)?;
        if size != SET_BYTES || (!new.is_null() && Set::SURE.has(signal)) {
            return Err(Errno::EINVAL);
        }
        let given = if new.is_null() { None } else { Some(self.load(new)?) };
        let index = signal as usize - 1;
        self.store_if_asked(old, self.signals.actions.borrow()[index])?;
        if let Some(given) = given {
            self.signals.actions.borrow_mut()[index] = given;
        }
        Ok(())
    }

    pub fn set_signal_mask(
        &self,
        how: u32,
        new: User<u64>,
        old: User<u64>,
        size: usize,
    ) -> Result<(), Errno> {
        if size != SET_BYTES {
            return Err(Errno::EINVAL);
        }
        let given = if new.is_null() { None } else { Some(self.load(new)? & !Set::SURE.0) };
        let mask = self.thread_signals()?.mask.0;
        let changed = match (given, how) {
            (None, _) => mask,
            (Some(set), SIG_BLOCK) => mask | set,
            (Some(set), SIG_UNBLOCK) => mask & !set,
            (Some(set), SIG_SETMASK) => set,
            _ => return Err(Errno::EINVAL),
        };
        self.store_if_asked(old, mask)?;
        self.change_thread_signals(|signals| signals.mask = Set(changed))?;
        self.signals.any.set(true);
        Ok(())
    }

    pub fn pending_signals(&self, to: User<u64>, size: usize) -> Result<(), Errno> {
        if size != SET_BYTES {
            return Err(Errno::EINVAL);
        }
        let own = self.thread_signals()?;
        self.store(to, (own.pending.0 | self.signals.shared.get().0) & own.mask.0)
    }

    /// To the one process there is, under its number or as a group.
    pub fn kill(&self, process: i32, signal: u32) -> Result<(), Errno> {
        if !(-1..=1).contains(&process) {
            return Err(Errno::ESRCH);
        }
        self.send(None, signal)
    }

    pub fn kill_thread(&self, thread: i32, signal: u32) -> Result<(), Errno> {
        let found = u32::try_from(thread).ok().and_then(|number| self.thread_of(number));
        self.send(Some(found.ok_or(Errno::ESRCH)?), signal)
    }

    pub fn kill_thread_of(&self, process: i32, thread: i32, signal: u32) -> Result<(), Errno> {
        if process != 1 { Err(Errno::ESRCH) } else { self.kill_thread(thread, signal) }
    }

    /// Sends a signal, to a thread or to whichever lets it through. Number 0 is none, and asks whether one could be sent.
    pub fn send(&self, thread: Option<ThreadId>, signal: u32) -> Result<(), Errno> {
        if signal == 0 {
            return Ok(());
        }
        let signal = checked(signal)?;
        match thread {
            Some(thread) => self.change_signals_of(thread, |signals| signals.pending.0 |= Set::of(signal).0),
            None => self.signals.shared.update(|set| Set(set.0 | Set::of(signal).0)),
        }
        self.signals.any.set(true);
        let told = thread.or_else(|| self.thread_that_lets(signal));
        told.into_iter().for_each(|thread| self.scheduler.unpark(thread));
        Ok(())
    }

    /// Has the running thread take a signal, whether it holds that off or has no handler for it any more.
    #[cfg(test)]
    pub fn wake_by_force(&self, signal: u32) {
        extern "C" fn handler(_: u32) {}
        let action = Action { handler: handler as *const () as usize, ..Action::default() };
        self.signals.actions.borrow_mut()[signal as usize - 1] = action;
        self.change_thread_signals(|signals| signals.mask.0 &= !Set::of(signal).0).unwrap();
        self.send(None, signal).unwrap();
    }

    /// Delivers what the running thread was sent and lets through, at the end of a call.
    pub fn deliver_after_call(&self) {
        if self.signals.any.take() {
            self.deliver();
            // Others may have something to take still.
            self.signals.any.set(self.any_pending());
        }
    }

    fn any_pending(&self) -> bool {
        self.signals.shared.get() != Set::default()
            || self.any_thread(|signals| signals.pending != Set::default())
    }

    /// Delivers what the running thread was sent and lets through.
    pub fn deliver(&self) -> Delivery {
        let mut delivery = Delivery::Nothing;
        while let Some(signal) = self.take_signal() {
            match self.act_on(signal) {
                Delivery::Nothing => {}
                Delivery::Restart if delivery == Delivery::Interrupt => {}
                told => delivery = told,
            }
        }
        delivery
    }

    fn take_signal(&self) -> Option<u32> {
        let own = self.thread_signals().ok()?;
        if let Some(signal) = own.pending.first_without(own.mask) {
            self.change_thread_signals(|signals| signals.pending.0 &= !Set::of(signal).0).ok()?;
            return Some(signal);
        }
        let signal = self.signals.shared.get().first_without(own.mask)?;
        self.signals.shared.update(|set| Set(set.0 & !Set::of(signal).0));
        Some(signal)
    }

    fn act_on(&self, signal: u32) -> Delivery {
        let action = self.signals.actions.borrow()[signal as usize - 1];
        match action.handler {
            IGNORED => Delivery::Nothing,
            DEFAULT if goes_unseen(signal) => Delivery::Nothing,
            DEFAULT => self.platform.exit(ExitStatus((ENDED_BY_SIGNAL + signal) as u8)),
            _ => {
                self.handle(signal, action);
                if action.has(SA_RESTART) { Delivery::Restart } else { Delivery::Interrupt }
            }
        }
    }

    /// Calls a program's handler, with the signal held off meanwhile.
    fn handle(&self, signal: u32, action: Action) {
        if action.has(SA_RESETHAND) {
            self.signals.actions.borrow_mut()[signal as usize - 1].handler = DEFAULT;
        }
        let Ok(ThreadSignals { mask, .. }) = self.thread_signals() else { return };
        let own = if action.has(SA_NODEFER) { 0 } else { Set::of(signal).0 };
        let during = Set((mask.0 | action.mask | own) & !Set::SURE.0);
        // The thread exists, as it was just asked for.
        let _ = self.change_thread_signals(|signals| signals.mask = during);
        call_handler(signal, action);
        let _ = self.change_thread_signals(|signals| signals.mask = mask);
    }

    /// Waits for a handler, with another mask meanwhile (sigsuspend(2)).
    pub fn suspend(&self, mask: User<u64>, size: usize) -> Result<(), Errno> {
        if size != SET_BYTES {
            return Err(Errno::EINVAL);
        }
        let during = Set(self.load(mask)? & !Set::SURE.0);
        let before = self.thread_signals()?.mask;
        self.change_thread_signals(|signals| signals.mask = during)?;
        while self.deliver() == Delivery::Nothing {
            self.scheduler.park(None);
        }
        self.change_thread_signals(|signals| signals.mask = before)?;
        Err(Errno::EINTR)
    }

    /// Waits for a handler (pause(2)).
    pub fn pause(&self) -> Result<(), Errno> {
        while self.deliver() == Delivery::Nothing {
            self.scheduler.park(None);
        }
        Err(Errno::EINTR)
    }

    /// Takes a signal of a set instead of having it handled; waits for one.
    pub fn take_signal_of(
        &self,
        set: User<u64>,
        information: User<[u32; 32]>,
        time: User<Timespec>,
        size: usize,
    ) -> Result<usize, Errno> {
        if size != SET_BYTES {
            return Err(Errno::EINVAL);
        }
        let set = Set(self.load(set)?);
        let deadline = self.deadline_of(time)?;
        loop {
            // What is not in the set is as if it were held off.
            let own = self.thread_signals()?;
            let there = Set((own.pending.0 | self.signals.shared.get().0) & set.0);
            if let Some(signal) = there.first_without(Set::default()) {
                self.change_thread_signals(|signals| signals.pending.0 &= !Set::of(signal).0)?;
                self.signals.shared.update(|shared| Set(shared.0 & !Set::of(signal).0));
                let mut told = [0; 32];
                (told[0], told[2]) = (signal, FROM_PROCESS);
                self.store_if_asked(information, told)?;
                return Ok(signal as usize);
            }
            if self.deliver() == Delivery::Interrupt {
                return Err(Errno::EINTR);
            }
            if self.is_past(deadline) {
                return Err(Errno::EAGAIN);
            }
            self.scheduler.park(deadline);
        }
    }

    /// Handlers run on the stack of the thread that they interrupt: another is taken, and not used.
    pub fn set_signal_stack(&self, _new: User<sigaltstack>, old: User<sigaltstack>) -> Result<(), Errno> {
        let none = sigaltstack { ss_sp: core::ptr::null_mut(), ss_flags: SS_DISABLE as i32, ss_size: 0 };
        self.store_if_asked(old, none)
    }
}

/// Calls a handler as Linux would have it called, with what is known of the signal.
fn call_handler(signal: u32, action: Action) {
    type Plain = extern "C" fn(signal: u32);
    type Informed = extern "C" fn(signal: u32, information: *const Information, context: *const [u64; 121]);
    let information = Information { signal, errno: 0, code: FROM_PROCESS, rest: [0; 29] };
    // Registers at the interrupted instruction are not known: it is a call, between two of which the program's own are.
    let context = [0; 121];
    // SAFETY: the program says that there is a function of this type, as sigaction(2) has it.
    unsafe {
        if action.has(SA_SIGINFO) {
            core::mem::transmute::<usize, Informed>(action.handler)(
                signal,
                &raw const information,
                &raw const context,
            );
        } else {
            core::mem::transmute::<usize, Plain>(action.handler)(signal);
        }
    }
}
