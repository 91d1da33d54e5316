#![doc = include_str!("../README.md")]
#![no_std]

pub mod fake;

use core::alloc::GlobalAlloc;

/// Bytes of an allocator's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// What the allocator was given.
    pub total: usize,
    /// What is handed out now, with the allocator's own rounding.
    pub used: usize,
}

/// The image's global memory allocator.
///
/// Its callers take turns: images run on one processor, and the entry code of interrupts does not allocate. A provider
/// needs no lock, and calls nobody who might allocate while it works. Running out of memory gives null, not a panic.
pub trait Allocator: GlobalAlloc + Sync + 'static {
    /// Gives the allocator memory to hand out. Memory too small to be of use is ignored.
    fn add(&self, memory: &'static mut [core::mem::MaybeUninit<u8>]);

    /// How much there is, and how much is in use.
    fn usage(&self) -> Usage;
}
