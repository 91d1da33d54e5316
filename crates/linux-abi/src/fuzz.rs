//! Calls that no program in its right mind makes: random numbers with random arguments, addresses among them that are none.
//!
//! `LINUX_ABI_SEED` and `LINUX_ABI_CALLS` choose others than the usual.

use std::boxed::Box;
use std::panic::{self, AssertUnwindSafe};
use std::{env, println};

use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::ops::Range;

use iface_address_space::{AddressError, AddressSpace, Protection};
use iface_allocator::fake::FakeAllocator;
use iface_clock::fake::FakeClock;
use iface_clock::{Clock, Instant};
use iface_platform::{CommandLine, ExitStatus, Platform};
use iface_scheduler::{Scheduler, SpawnError, Stack, ThreadId, Wakeup};
use iface_shutdown::Absent;
use linux_raw_sys::general as numbers;

use crate::Needs;
use crate::calls::CALLS;
use crate::linux::Linux;
use crate::tests::{Fake, MEMORY, SystemCalls};

/// Calls of an ordinary run.
const CALLS_MADE: u64 = 1_000_000;
/// Calls of one process, until it has made too much of a mess to be interesting.
const LIFETIME: u64 = 2_000;
/// What is sent to a thread that would wait for ever.
const WAKING: u32 = numbers::SIGUSR1;

/// Memory of which nothing but the window is the program's.
#[derive(Clone, Copy)]
struct Walled;

impl AddressSpace for Walled {
    fn window(&self) -> Range<usize> {
        Fake.window()
    }

    unsafe fn map(&self, range: Range<usize>, protection: Protection) -> Result<(), AddressError> {
        // SAFETY: as the caller's.
        unsafe { Fake.map(range, protection) }
    }

    unsafe fn protect(&self, range: Range<usize>, protection: Protection) -> Result<(), AddressError> {
        // SAFETY: as the caller's.
        unsafe { Fake.protect(range, protection) }
    }

    unsafe fn unmap(&self, range: Range<usize>) -> Result<(), AddressError> {
        // SAFETY: as the caller's.
        unsafe { Fake.unmap(range) }
    }

    fn allows(&self, range: Range<usize>, _: bool) -> bool {
        self.window().start <= range.start && range.end <= self.window().end
    }
}

/// The end of the process, which a call that ends it does not return from.
struct Ended;

/// A platform that unwinds to whoever makes the calls.
#[derive(Clone, Copy)]
struct Unwinding;

impl Platform for Unwinding {
    fn command_line(&self) -> CommandLine<'static> {
        CommandLine::new("")
    }

    fn initrd(&self) -> Option<&'static [u8]> {
        None
    }

    fn exit(&self, _: ExitStatus) -> ! {
        panic::resume_unwind(Box::new(Ended))
    }
}

/// One thread, whose waits end at their deadline, or at once with a signal.
struct Restless {
    clock: &'static FakeClock,
    wake: RefCell<Option<Box<dyn Fn()>>>,
    unparked: Cell<bool>,
}

impl Scheduler for &'static Restless {
    fn spawn(&self, _: &'static str, _: Box<dyn FnOnce()>) -> Result<ThreadId, SpawnError> {
        Ok(ThreadId(1))
    }

    fn spawn_on(&self, _: &'static str, _: Stack, _: Box<dyn FnOnce()>) -> Result<ThreadId, SpawnError> {
        Err(SpawnError::OutOfMemory)
    }

    fn exit(&self) -> ! {
        panic::resume_unwind(Box::new(Ended))
    }

    fn set_own(&self, _: usize, _: fn(usize)) {}

    fn current(&self) -> ThreadId {
        ThreadId(0)
    }

    fn yield_now(&self) {}

    fn park(&self, deadline: Option<Instant>) -> Wakeup {
        if self.unparked.take() {
            return Wakeup::Unparked;
        }
        match deadline {
            Some(deadline) => self.clock.advance(deadline.since(self.clock.now())),
            None => self.wake.borrow().iter().for_each(|wake| wake()),
        }
        Wakeup::TimedOut
    }

    fn unpark(&self, _: ThreadId) {
        self.unparked.set(true);
    }

    fn sleep_until(&self, deadline: Instant) {
        self.park(Some(deadline));
    }
}

type FuzzNeeds = Needs<
    Walled,
    FakeAllocator,
    Fake,
    &'static FakeClock,
    Fake,
    Unwinding,
    &'static Restless,
    Absent,
    Fake,
    Fake,
    Fake,
>;

extern "C" fn handler(_: u32) {}

/// A process with a handler for each signal that can have one, and a few descriptors.
fn process() -> &'static Linux<FuzzNeeds> {
    let clock: &'static FakeClock = Box::leak(Box::default());
    let restless: &'static Restless =
        Box::leak(Box::new(Restless { clock, wake: RefCell::default(), unparked: Cell::default() }));
    let linux: &'static Linux<FuzzNeeds> = Box::leak(Box::new(Linux::new(Needs {
        address_space: Walled,
        allocator: &MEMORY,
        arch: Fake,
        clock,
        entropy: Fake,
        platform: Unwinding,
        scheduler: restless,
        shutdown: None,
        sockets: Fake,
        thread_pointer: Fake,
        vfs: Fake,
    })));
    *restless.wake.borrow_mut() = Some(Box::new(|| linux.wake_by_force(WAKING)));
    linux.adopt_thread();
    linux.open_terminal().unwrap();
    let action = Fake.window().start;
    // SAFETY: it is the window's, and nobody else's.
    unsafe { (action as *mut [usize; 4]).write([handler as *const () as usize, 0, 0, 0]) };
    for signal in (1..=64).filter(|signal| !matches!(*signal, numbers::SIGKILL | numbers::SIGSTOP)) {
        let set = [signal as usize, action, 0, 8, 0, 0];
        assert_eq!(linux.call(numbers::__NR_rt_sigaction as usize, set), 0);
    }
    linux
}

/// Numbers as SplitMix64 gives them (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// An argument: a descriptor, a length, flags, an address that is one or nearly, or anything.
    fn argument(&mut self, window: &Range<usize>) -> usize {
        match self.below(10) {
            0..=1 => self.below(24) as usize,
            2 => self.below(64) as usize,
            3 => 1 << self.below(64),
            4 => (self.below(64) as usize).wrapping_neg(),
            5 => window.end - self.below(9000) as usize,
            6 => window.start & !4095 | (self.below(64) as usize) << 12,
            7 => self.below(window.len() as u64) as usize + window.start,
            8 => self.next() as u32 as usize,
            _ => self.next() as usize,
        }
    }
}

fn setting(name: &str, usual: u64) -> u64 {
    env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// A call that leads a real process astray as well is not made: its program jumps to an address of its own.
fn is_sane(number: u32, arguments: &[usize; 6]) -> bool {
    number != numbers::__NR_rt_sigaction || arguments[1] == 0
}

#[test]
fn no_call_whatever_its_arguments_panics_or_hangs() {
    let seed = setting("LINUX_ABI_SEED", 0x5eed);
    let calls = setting("LINUX_ABI_CALLS", CALLS_MADE);
    println!("LINUX_ABI_SEED={seed} LINUX_ABI_CALLS={calls}");
    let mut random = Random(seed);
    let window = Fake.window();
    let mut linux = process();
    let mut ended = 0;
    for made in 0..calls {
        if made % LIFETIME == LIFETIME - 1 {
            linux = process();
        }
        let number = match random.below(20) {
            0 => random.next() as u32,
            _ => CALLS[random.below(CALLS.len() as u64) as usize].number,
        };
        let arguments: Vec<usize> = (0..6).map(|_| random.argument(&window)).collect();
        let arguments: [usize; 6] = arguments.try_into().unwrap();
        if !is_sane(number, &arguments) {
            continue;
        }
        let called = panic::catch_unwind(AssertUnwindSafe(|| linux.call(number as usize, arguments)));
        match called {
            Ok(returned) => assert!(returned >= -4095, "{number} returned {returned}"),
            Err(cause) if cause.is::<Ended>() => {
                ended += 1;
                linux = process();
            }
            Err(cause) => {
                println!("call {number} with {arguments:x?} after {made} others");
                panic::resume_unwind(cause);
            }
        }
        // SAFETY: the window is nobody's but the processes' that made their call.
        unsafe { (window.start as *mut u64).add(random.below(32_768) as usize).write(random.next()) };
    }
    assert!(ended > 0, "not even exit was called");
}
