#![doc = include_str!("../README.md")]
#![no_std]

use core::mem::MaybeUninit;

/// Why there is no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryError {
    /// Not enough is free.
    Exhausted,
}

impl core::fmt::Display for MemoryError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Exhausted => f.write_str("not enough memory is free"),
        }
    }
}

impl core::error::Error for MemoryError {}

/// A stack: memory whose next lower page is unmapped, so that an overflow stops the image.
pub type Stack = &'static mut [MaybeUninit<u8>];

/// Memory by the page.
pub trait Memory: Copy + 'static {
    /// A stack of at least `size` bytes, rounded up to whole pages, above a guard page.
    ///
    /// # Errors
    /// [`MemoryError::Exhausted`].
    fn stack(&self, size: usize) -> Result<Stack, MemoryError>;

    /// Takes back a stack that [`stack`](Memory::stack) gave.
    ///
    /// # Panics
    /// When it did not.
    fn release_stack(&self, stack: Stack);
}
