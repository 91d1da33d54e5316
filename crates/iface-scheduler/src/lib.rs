#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

pub mod fake;
mod lock;
mod wait_queue;

use alloc::boxed::Box;

pub use iface_clock::{Duration, Instant};
pub use lock::Lock;
pub use wait_queue::WaitQueue;

/// Names a thread for as long as the image runs; never used again after the thread ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(pub u64);

/// Why a parked thread runs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wakeup {
    /// Someone called [`Scheduler::unpark`].
    Unparked,
    /// The deadline was reached.
    TimedOut,
}

/// Why a thread could not be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnError {
    /// No memory for its stack.
    OutOfMemory,
}

impl core::fmt::Display for SpawnError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::OutOfMemory => f.write_str("no memory for the thread's stack"),
        }
    }
}

impl core::error::Error for SpawnError {}

/// Memory that a thread runs on.
pub type Stack = &'static mut [core::mem::MaybeUninit<u8>];

/// Cooperative threads: a thread runs until it parks, sleeps, yields or ends.
pub trait Scheduler: Copy + 'static {
    /// Starts a thread that runs `body`. It becomes ready at once and runs when the caller gives way.
    ///
    /// # Errors
    /// As [`SpawnError`] says; `body` is dropped.
    fn spawn(&self, name: &'static str, body: Box<dyn FnOnce()>) -> Result<ThreadId, SpawnError>;

    /// As [`spawn`](Scheduler::spawn), on a stack of the caller's. It is the caller's again when the thread has ended and another
    /// one runs.
    ///
    /// # Errors
    /// As [`SpawnError`] says; `body` is dropped.
    fn spawn_on(
        &self,
        name: &'static str,
        stack: Stack,
        body: Box<dyn FnOnce()>,
    ) -> Result<ThreadId, SpawnError>;

    /// Ends the running thread where it is. What is on its stack is not dropped. The first thread does not end.
    fn exit(&self) -> !;

    /// Gives the running thread a value of its own, and has `apply` called with it before the thread runs again after one with
    /// another value; threads without one leave it as it is. For a register of the processor that programs use and the image
    /// does not, such as the thread pointer. There is one `apply` for all.
    fn set_own(&self, value: usize, apply: fn(usize));

    /// The thread that is running.
    fn current(&self) -> ThreadId;

    /// Lets every other ready thread run once, and handlers of events that fired.
    fn yield_now(&self);

    /// Suspends the running thread until [`unpark`](Scheduler::unpark) or `deadline`. An unpark that came before
    /// is not lost: the call then returns at once. The processor halts while no thread is ready.
    fn park(&self, deadline: Option<Instant>) -> Wakeup;

    /// Makes a parked thread ready, or its next [`park`](Scheduler::park) return at once. Nothing happens when the
    /// thread has ended.
    fn unpark(&self, thread: ThreadId);

    /// Suspends the running thread until `deadline`, whoever unparks it meanwhile.
    fn sleep_until(&self, deadline: Instant);
}
