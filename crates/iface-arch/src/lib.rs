#![doc = include_str!("../README.md")]
#![no_std]

use core::mem::MaybeUninit;

/// What runs first on a new thread of control. It must not return; a provider stops the image if it does.
pub type Entry = extern "C" fn(argument: usize) -> !;

/// What the processor architecture does for the rest.
pub trait Arch: Copy + 'static {
    /// A thread of control that is not running: its stack and saved registers. The floating-point and vector
    /// state that a call preserves by the architecture's procedure call standard is part of it.
    type Context: 'static;

    /// The architecture's name, as Linux tells it (uname(2), `machine`).
    const NAME: &'static str;

    /// A place for the context of the thread that is running now; [`switch`](Arch::switch) fills it.
    fn running(&self) -> Self::Context;

    /// A context that calls `entry(argument)` on `stack` when it is first switched to.
    fn context(&self, stack: &'static mut [MaybeUninit<u8>], entry: Entry, argument: usize) -> Self::Context;

    /// Suspends the running thread into `from` and resumes `to`. Returns when something switches to `from`.
    ///
    /// # Panics
    /// When `to` is not suspended (it runs, or was resumed already).
    fn switch(&self, from: &Self::Context, to: &Self::Context);
}
