#![doc = include_str!("../README.md")]
#![no_std]

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
pub trait Allocator: GlobalAlloc + Sync + 'static {
    /// Gives the allocator memory to hand out. Memory too small to be of use is ignored.
    fn add(&self, memory: &'static mut [core::mem::MaybeUninit<u8>]);

    /// How much there is, and how much is in use.
    fn usage(&self) -> Usage;
}
