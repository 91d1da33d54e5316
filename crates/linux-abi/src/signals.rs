//! Signals: noted when they are sent, and delivered where a call ends or waits. A handler is an ordinary call, on the stack of
//! the thread that it interrupts or on the one that the program has for it.

use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use core::hint::black_box;

use iface_platform::{ExitStatus, Platform};
use iface_scheduler::{Scheduler, ThreadId};
use linux_raw_sys::general::{
    __kernel_timespec as Timespec, SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SA_RESTART, SA_SIGINFO, SI_KERNEL,
    SI_TKILL, SI_USER, SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK, SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, SIGTSTP,
    SIGTTIN, SIGTTOU, SIGURG, SIGWINCH,
};
use open_file::Errno;

use crate::identity::PROCESS;
use crate::linux::{Linux, World};
use crate::pending::{Pending, Sent};
use crate::signal_stacks::SignalStack;
use crate::user::{User, plain};

/// The highest number (`_NSIG`).
const HIGHEST: u32 = 64;
/// Bytes of a set of signals, as every call that has one says again.
pub(crate) const SET_BYTES: usize = 8;
/// `SIG_DFL` and `SIG_IGN`.
const DEFAULT: usize = 0;
const IGNORED: usize = 1;
/// An exit status for an end by signal n is this plus n, as shells have it.
pub(crate) const ENDED_BY_SIGNAL: u32 = 128;

plain!(Action, Information);

/// A set of signals: bit n - 1 for signal n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set(pub u64);

impl Set {
    pub const fn of(signal: u32) -> Self {
        Self(1 << (signal - 1))
    }

    /// Those that nobody can hold off.
    pub const SURE: Self = Self(Self::of(SIGKILL).0 | Self::of(SIGSTOP).0);

    /// Those of either.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are not in `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
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
pub(crate) struct Information {
    signal: u32,
    errno: u32,
    code: i32,
    _padding: u32,
    process: u32,
    user: u32,
    value: u64,
    rest: [u64; 12],
}

impl Information {
    fn of(sent: Sent, sender: (u32, u32)) -> Self {
        let (process, user) = sender;
        Self {
            signal: sent.signal,
            errno: 0,
            code: sent.code,
            _padding: 0,
            process,
            user,
            value: sent.value,
            rest: [0; 12],
        }
    }
}

/// What the signals of the process have in common.
pub(crate) struct Signals {
    actions: RefCell<[Action; HIGHEST as usize]>,
    pub pending: Rc<Pending>,
    /// Whether any was sent since the last look: a call looks no further where none was.
    any: Cell<bool>,
}

impl Default for Signals {
    fn default() -> Self {
        Self { actions: RefCell::new([Action::default(); _]), pending: Rc::default(), any: Cell::default() }
    }
}

/// The signals of a thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadSignals {
    /// Held off.
    pub mask: Set,
    /// Waited for, held off or not (sigtimedwait(2)).
    pub awaited: Set,
    /// The stack that the program has for handlers.
    pub stack: SignalStack,
}

impl ThreadSignals {
    /// Those of a new thread, which holds off what the one does that makes it.
    pub fn holding_off(mask: Set) -> Self {
        Self { mask, awaited: Set::default(), stack: SignalStack::default() }
    }

    /// Whether a signal is of any use to the thread.
    pub fn lets(&self, signal: u32) -> bool {
        !self.mask.has(signal) || self.awaited.has(signal)
    }
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

pub(crate) fn checked(signal: u32) -> Result<u32, Errno> {
    if (1..=HIGHEST).contains(&signal) { Ok(signal) } else { Err(Errno::EINVAL) }
}

/// As [`checked`], for calls that take 0 to ask whether a signal could be sent.
fn checked_or_none(signal: u32) -> Result<u32, Errno> {
    if signal == 0 { Ok(0) } else { checked(signal) }
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
        let held_off = self.thread_signals()?.mask;
        self.store(to, self.signals.pending.set(self.scheduler.current()).0 & held_off.0)
    }

    /// To the one process there is, under its number or as a group.
    pub fn kill(&self, process: i32, signal: u32) -> Result<(), Errno> {
        checked_or_none(signal)?;
        if !(-1..=1).contains(&process) {
            return Err(Errno::ESRCH);
        }
        self.send(None, Sent::new(signal, SI_USER as i32, 0))
    }

    pub fn kill_thread(&self, thread: i32, signal: u32) -> Result<(), Errno> {
        checked_or_none(signal)?;
        let number = u32::try_from(thread).ok().filter(|number| *number > 0).ok_or(Errno::EINVAL)?;
        let found = self.thread_of(number).ok_or(Errno::ESRCH)?;
        self.send(Some(found), Sent::new(signal, SI_TKILL, 0))
    }

    pub fn kill_thread_of(&self, process: i32, thread: i32, signal: u32) -> Result<(), Errno> {
        match process {
            ..=0 => Err(Errno::EINVAL),
            1 => self.kill_thread(thread, signal),
            _ => Err(Errno::ESRCH),
        }
    }

    /// To the process, with a value (sigqueue(3)).
    pub fn queue(&self, process: i32, signal: u32, information: User<Information>) -> Result<(), Errno> {
        let sent = self.queued(signal, information)?;
        if process == PROCESS as i32 { self.send(None, sent) } else { Err(Errno::ESRCH) }
    }

    /// To a thread, with a value (pthread_sigqueue(3)).
    pub fn queue_to_thread(
        &self,
        process: i32,
        thread: i32,
        signal: u32,
        information: User<Information>,
    ) -> Result<(), Errno> {
        let sent = self.queued(signal, information)?;
        let found = u32::try_from(thread).ok().and_then(|number| self.thread_of(number));
        match found {
            Some(thread) if process == PROCESS as i32 => self.send(Some(thread), sent),
            _ => Err(Errno::ESRCH),
        }
    }

    fn queued(&self, signal: u32, information: User<Information>) -> Result<Sent, Errno> {
        let Information { code, value, .. } = self.load(information)?;
        checked_or_none(signal)?;
        Ok(Sent::new(signal, code, value))
    }

    /// Sends a signal, to a thread or to whichever lets it through. Number 0 is none, and asks whether one could be sent.
    pub fn send(&self, thread: Option<ThreadId>, sent: Sent) -> Result<(), Errno> {
        if sent.signal == 0 {
            return Ok(());
        }
        checked(sent.signal)?;
        self.signals.pending.add(thread, sent)?;
        self.signals.any.set(true);
        let told = thread.or_else(|| self.thread_that_lets(sent.signal));
        told.into_iter().for_each(|thread| self.scheduler.unpark(thread));
        Ok(())
    }

    /// Sends the process a signal that no program has sent.
    pub fn send_from_kernel(&self, signal: u32) {
        // The number is one of a signal; where too many wait, it is one of them.
        let _ = self.send(None, Sent::new(signal, SI_KERNEL as i32, 0));
    }

    /// Sends the running thread a signal that comes of what it does.
    pub fn send_to_self(&self, signal: u32) {
        let sent = Sent::new(signal, SI_USER as i32, 0);
        // As in `send_from_kernel`.
        let _ = self.send(Some(self.scheduler.current()), sent);
    }

    /// Has the running thread take a signal, whether it holds that off or has no handler for it any more.
    #[cfg(test)]
    pub fn wake_by_force(&self, signal: u32) {
        extern "C" fn handler(_: u32) {}
        let action = Action { handler: handler as *const () as usize, ..Action::default() };
        self.signals.actions.borrow_mut()[signal as usize - 1] = action;
        self.change_thread_signals(|signals| signals.mask.0 &= !Set::of(signal).0).unwrap();
        self.send_from_kernel(signal);
    }

    /// Delivers what the running thread was sent and lets through, at the end of a call; hands on what that returns.
    #[inline(always)]
    pub fn deliver_after_call(&self, returned: isize) -> isize {
        if self.signals.any.get() { self.deliver_noted(returned) } else { returned }
    }

    #[cold]
    #[inline(never)]
    fn deliver_noted(&self, returned: isize) -> isize {
        self.deliver();
        // Others may have something to take still.
        self.signals.any.set(!self.signals.pending.is_empty());
        // Kept from the optimiser, which would have every call save the value for the case that it comes here.
        black_box(returned)
    }

    /// Delivers what the running thread was sent and lets through.
    pub fn deliver(&self) -> Delivery {
        let mut delivery = Delivery::Nothing;
        while let Some(sent) = self.take_signal() {
            match self.act_on(sent) {
                Delivery::Nothing => {}
                Delivery::Restart if delivery == Delivery::Interrupt => {}
                told => delivery = told,
            }
        }
        delivery
    }

    fn take_signal(&self) -> Option<Sent> {
        if self.signals.pending.is_empty() {
            return None;
        }
        let let_through = Set(u64::MAX).without(self.thread_signals().ok()?.mask);
        self.signals.pending.take(self.scheduler.current(), let_through)
    }

    fn act_on(&self, sent: Sent) -> Delivery {
        let action = self.signals.actions.borrow()[sent.signal as usize - 1];
        match action.handler {
            IGNORED => Delivery::Nothing,
            DEFAULT if goes_unseen(sent.signal) => Delivery::Nothing,
            DEFAULT => self.platform.exit(ExitStatus((ENDED_BY_SIGNAL + sent.signal) as u8)),
            _ => self.handle(sent, action),
        }
    }

    /// What a program is told of a signal: the process and user that sent it, or the timer and how often it went off besides.
    fn information_of(&self, sent: Sent) -> Information {
        let sender = match sent.timer {
            Some(timer) => (timer, self.timers.posix.missed(timer)),
            None if sent.code == SI_KERNEL as i32 => (0, 0),
            None => (PROCESS as u32, self.users.borrow().user.real),
        };
        Information::of(sent, sender)
    }

    /// Calls a program's handler, with the signal held off meanwhile.
    fn handle(&self, sent: Sent, action: Action) -> Delivery {
        if action.has(SA_RESETHAND) {
            self.signals.actions.borrow_mut()[sent.signal as usize - 1].handler = DEFAULT;
        }
        let Ok(ThreadSignals { mask, stack, .. }) = self.thread_signals() else { return Delivery::Nothing };
        let own = if action.has(SA_NODEFER) { Set::default() } else { Set::of(sent.signal) };
        let during = mask.with(Set(action.mask)).with(own).without(Set::SURE);
        // The thread exists, as it was just asked for.
        let _ = self.change_thread_signals(|signals| {
            signals.mask = during;
            signals.stack = stack.during_handler();
        });
        let information = self.information_of(sent);
        let mut after = mask;
        let mut call = || after = call_handler(&information, action, mask, stack).without(Set::SURE);
        if action.has(SA_ONSTACK) {
            self.call_on(stack, &mut call)
        } else {
            call()
        }
        let _ = self.change_thread_signals(|signals| {
            signals.mask = after;
            signals.stack = stack;
        });
        // A handler that has its own signal held off for good ends what it interrupts: so musl cancels a thread that waits.
        let is_last = after.has(sent.signal) && !mask.has(sent.signal);
        if action.has(SA_RESTART) && !is_last { Delivery::Restart } else { Delivery::Interrupt }
    }

    /// Makes a call with another mask meanwhile, where the program has one for it (pselect(2)).
    pub fn with_mask<T>(
        &self,
        mask: User<u64>,
        size: usize,
        call: impl FnOnce() -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        if mask.is_null() {
            return call();
        }
        if size != SET_BYTES {
            return Err(Errno::EINVAL);
        }
        let during = Set(self.load(mask)?).without(Set::SURE);
        let before = self.thread_signals()?.mask;
        self.change_thread_signals(|signals| signals.mask = during)?;
        let result = call();
        self.change_thread_signals(|signals| signals.mask = before)?;
        // What was let through and not delivered waits again, or is delivered as the call ends.
        self.signals.any.set(true);
        result
    }

    /// Waits for a handler, with another mask meanwhile (sigsuspend(2)).
    pub fn suspend(&self, mask: User<u64>, size: usize) -> Result<(), Errno> {
        if mask.is_null() {
            return Err(Errno::EFAULT);
        }
        self.with_mask(mask, size, || self.pause())
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
        information: User<Information>,
        time: User<Timespec>,
        size: usize,
    ) -> Result<usize, Errno> {
        if size != SET_BYTES {
            return Err(Errno::EINVAL);
        }
        let set = Set(self.load(set)?).without(Set::SURE);
        let deadline = self.deadline_of(time)?;
        self.change_thread_signals(|signals| signals.awaited = set)?;
        let taken = loop {
            if let Some(sent) = self.signals.pending.take(self.scheduler.current(), set) {
                break Ok(sent);
            }
            if self.deliver() != Delivery::Nothing {
                break Err(Errno::EINTR);
            }
            if self.is_past(deadline) {
                break Err(Errno::EAGAIN);
            }
            self.scheduler.park(deadline);
        };
        self.change_thread_signals(|signals| signals.awaited = Set::default())?;
        let sent = taken?;
        self.store_if_asked(information, self.information_of(sent))?;
        Ok(sent.signal as usize)
    }
}

/// Where a handler finds the stack for handlers, and the mask, that come into force when it returns (`uc_stack`, `uc_sigmask`),
/// in words.
const STACK_IN_CONTEXT: usize = 2;
const MASK_IN_CONTEXT: usize = 37;

/// Calls a handler as Linux would have it called, with what is known of the signal; gives the mask that it leaves.
fn call_handler(information: &Information, action: Action, mask: Set, stack: SignalStack) -> Set {
    type Plain = extern "C" fn(signal: u32);
    type Informed = extern "C" fn(signal: u32, information: *const Information, context: *mut [u64; 121]);
    // Registers at the interrupted instruction are not known: it is a call, between two of which the program's own are.
    let mut context = [0; 121];
    context[STACK_IN_CONTEXT..][..3].copy_from_slice(&stack.words());
    context[MASK_IN_CONTEXT] = mask.0;
    // SAFETY: the program says that there is a function of this type, as sigaction(2) has it.
    unsafe {
        if action.has(SA_SIGINFO) {
            core::mem::transmute::<usize, Informed>(action.handler)(
                information.signal,
                information,
                &raw mut context,
            );
        } else {
            core::mem::transmute::<usize, Plain>(action.handler)(information.signal);
        }
    }
    Set(context[MASK_IN_CONTEXT])
}
