//! Threads of the process. Their stacks are the program's, and they end where they are.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::cell::{Cell, RefCell};
use core::ops::Range;
use core::slice;

use iface_platform::{ExitStatus, Platform};
use iface_scheduler::{Scheduler, ThreadId};
use iface_thread_pointer::ThreadPointer;
use linux_raw_sys::general::{
    ARCH_SET_FS, CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID, CLONE_PARENT_SETTID, CLONE_SETTLS, CLONE_SIGHAND,
    CLONE_THREAD, CLONE_VM, FUTEX_BITSET_MATCH_ANY,
};
use open_file::Errno;

use crate::linux::{Linux, World};
use crate::signals::{Set, ThreadSignals};
use crate::start;
use crate::user::User;

/// What a thread of a process shares with the others, at least: what has more of its own is a process, and there is one.
const SHARED: u32 = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND;
/// Asks for the thread pointer, which linux-raw-sys lacks (Linux, `arch/x86/include/uapi/asm/prctl.h`).
const ARCH_GET_FS: u32 = 0x1003;
/// Bytes at the top of a program's stack that the scheduler needs to begin with.
const FIRST_BYTES: usize = 512;
/// Where the addresses of programs end on Linux (`TASK_SIZE_MAX`), with four levels of pages.
const PROGRAM_END: usize = 0x7fff_ffff_f000;

/// What a new thread does.
pub(crate) type Function = extern "C" fn(argument: usize) -> i32;

/// A thread, as the process knows it.
#[derive(Debug)]
struct Thread {
    /// Linux's number of it.
    number: u32,
    /// Is set to zero, and woken, when the thread ends (`CLONE_CHILD_CLEARTID`).
    cleared: User<u32>,
    /// The value of the thread pointer, as far as it is set.
    pointer: usize,
    /// What it begins with.
    begin: Option<(Function, usize)>,
    signals: ThreadSignals,
}

/// The threads, and the numbers they had.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    threads: RefCell<BTreeMap<ThreadId, Thread>>,
    last_number: Cell<u32>,
    /// The stack of a thread that has ended, to be taken away when another runs.
    left: RefCell<Option<Range<usize>>>,
}

/// What clone(2) is asked for, as a C library passes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clone {
    pub function: Function,
    pub stack: usize,
    pub flags: u32,
    pub argument: usize,
    pub parent_number: User<u32>,
    pub thread_pointer: usize,
    pub child_number: User<u32>,
}

impl Threads {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.threads.borrow().len()
    }

    fn next_number(&self) -> u32 {
        self.last_number.update(|number| number + 1);
        self.last_number.get()
    }
}

impl<W: World> Linux<W> {
    /// The first thread, which runs, is one of the process.
    pub fn adopt_thread(&self) {
        let thread = Thread {
            number: self.threads.next_number(),
            cleared: User::new(0),
            pointer: 0,
            begin: None,
            signals: ThreadSignals::holding_off(Set::default()),
        };
        self.threads.threads.borrow_mut().insert(self.scheduler.current(), thread);
    }

    /// What the process knows of the running thread.
    fn with_thread<R>(&self, work: impl FnOnce(&mut Thread) -> R) -> Result<R, Errno> {
        let mut threads = self.threads.threads.borrow_mut();
        threads.get_mut(&self.scheduler.current()).map(work).ok_or(Errno::ESRCH)
    }

    /// The signals of the running thread.
    pub fn thread_signals(&self) -> Result<ThreadSignals, Errno> {
        self.with_thread(|thread| thread.signals)
    }

    pub fn change_thread_signals(&self, change: impl FnOnce(&mut ThreadSignals)) -> Result<(), Errno> {
        self.with_thread(|thread| change(&mut thread.signals))
    }

    /// The thread that Linux numbers so.
    pub fn thread_of(&self, number: u32) -> Option<ThreadId> {
        let threads = self.threads.threads.borrow();
        threads.iter().find(|(_, thread)| thread.number == number).map(|(id, _)| *id)
    }

    /// Some thread that takes `signal`.
    pub fn thread_that_lets(&self, signal: u32) -> Option<ThreadId> {
        let threads = self.threads.threads.borrow();
        threads.iter().find(|(_, thread)| thread.signals.lets(signal)).map(|(id, _)| *id)
    }

    pub fn thread(&self) -> Result<usize, Errno> {
        self.with_thread(|thread| thread.number as usize)
    }

    pub fn set_cleared(&self, address: User<u32>) -> Result<usize, Errno> {
        self.with_thread(|thread| {
            thread.cleared = address;
            thread.number as usize
        })
    }

    /// A new thread of the process; says its number.
    pub fn clone_thread(&self, clone: Clone) -> Result<usize, Errno> {
        if clone.flags & SHARED != SHARED || clone.stack < FIRST_BYTES {
            return Err(Errno::ENOSYS);
        }
        let pointer = if clone.flags & CLONE_SETTLS != 0 { clone.thread_pointer } else { 0 };
        if pointer >= PROGRAM_END {
            return Err(Errno::EPERM);
        }
        self.take_away_left();
        let stack = self.bytes_mut(User::new(clone.stack - FIRST_BYTES), FIRST_BYTES)?;
        // SAFETY: the program gives the memory to the thread: it is the upper end of the thread's stack, and stays until
        // the thread has ended.
        let stack = unsafe { slice::from_raw_parts_mut(stack.as_mut_ptr().cast(), FIRST_BYTES) };
        // What it does is looked up when it runs: the body holds nothing that would be lost where the thread ends.
        let started = self.scheduler.spawn_on("program", stack, Box::new(|| start::run_thread()));
        let started = started.map_err(|_| Errno::EAGAIN)?;
        let asked = |flag, value: User<u32>| if clone.flags & flag != 0 { value } else { User::new(0) };
        let number = self.threads.next_number();
        let thread = Thread {
            number,
            cleared: asked(CLONE_CHILD_CLEARTID, clone.child_number),
            pointer,
            begin: Some((clone.function, clone.argument)),
            signals: ThreadSignals::holding_off(self.thread_signals()?.mask),
        };
        self.threads.threads.borrow_mut().insert(started, thread);
        self.store_if_asked(asked(CLONE_PARENT_SETTID, clone.parent_number), number)?;
        self.store_if_asked(asked(CLONE_CHILD_SETTID, clone.child_number), number)?;
        Ok(number as usize)
    }

    /// What a thread does first, on its own stack.
    pub fn begin_thread(&self) -> ! {
        let begun = self.with_thread(|thread| (thread.pointer, thread.begin.take()));
        if let Ok((pointer, Some((function, argument)))) = begun {
            if pointer != 0 {
                self.scheduler.set_own(pointer, W::ThreadPointer::set);
            }
            let status = function(argument);
            self.exit_thread(status);
        }
        unreachable!("a thread that was not cloned")
    }

    /// The running thread is one of the process no more.
    fn forget_thread(&self) -> Option<Thread> {
        let thread = self.scheduler.current();
        self.signals.pending.forget(thread);
        self.threads.threads.borrow_mut().remove(&thread)
    }

    /// Ends the running thread; with the last of them the process ends.
    pub fn exit_thread(&self, status: i32) -> ! {
        self.take_away_left();
        self.end_thread(status)
    }

    fn end_thread(&self, status: i32) -> ! {
        let ended = self.forget_thread();
        if let Some(cleared) = ended.map(|thread| thread.cleared).filter(|address| !address.is_null()) {
            // A program that passed an address which is none is not told.
            let _ = self.store(cleared, 0);
            self.wake_word(cleared, 1, FUTEX_BITSET_MATCH_ANY);
        }
        if self.threads.threads.borrow().is_empty() {
            self.platform.exit(ExitStatus(status as u8));
        }
        self.scheduler.exit()
    }

    /// The call that a program makes of it.
    pub fn exit(&self, status: i32) {
        self.exit_thread(status)
    }

    /// Ends the running thread, whose stack is taken away then.
    pub fn exit_thread_and_stack(&self, stack: Range<usize>) -> ! {
        self.take_away_left();
        *self.threads.left.borrow_mut() = Some(stack);
        self.end_thread(0)
    }

    /// Takes the stack away that a thread left behind: it runs no more.
    fn take_away_left(&self) {
        let left = self.threads.left.borrow_mut().take();
        if let Some(stack) = left {
            // A program that passed a range which is none loses it.
            let _ = self.unmap_memory(stack.start, stack.len());
        }
    }

    /// The thread pointer (arch_prctl(2)).
    pub fn set_thread_pointer(&self, code: u32, address: usize) -> Result<(), Errno> {
        match code {
            // The processor takes no other (Intel SDM, volume 1, section 3.3.7.1).
            ARCH_SET_FS if address >= PROGRAM_END => Err(Errno::EPERM),
            ARCH_SET_FS => {
                self.with_thread(|thread| thread.pointer = address)?;
                self.scheduler.set_own(address, W::ThreadPointer::set);
                Ok(())
            }
            ARCH_GET_FS => {
                let pointer = self.with_thread(|thread| thread.pointer)?;
                self.store(User::new(address), pointer)
            }
            _ => Err(Errno::EINVAL),
        }
    }
}
