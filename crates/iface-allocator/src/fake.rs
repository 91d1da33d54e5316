//! For tests of who asks how much memory there is.
#![expect(unsafe_code, reason = "an allocator that nobody allocates from")]

use core::alloc::{GlobalAlloc, Layout};
use core::mem::MaybeUninit;

use crate::{Allocator, Usage};

/// Says that this is so, and gives out nothing.
#[derive(Clone, Copy, Debug)]
pub struct FakeAllocator(pub Usage);

// SAFETY: it gives out nothing.
unsafe impl GlobalAlloc for FakeAllocator {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

impl Allocator for FakeAllocator {
    fn add(&self, _: &'static mut [MaybeUninit<u8>]) {}

    fn usage(&self) -> Usage {
        self.0
    }
}
