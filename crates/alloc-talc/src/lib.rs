#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "an allocator hands out raw memory")]

use core::{
    alloc::{GlobalAlloc, Layout},
    convert::Infallible,
    mem::MaybeUninit,
};

use iface_allocator::{Allocator, Usage};
use talc::{TalcCell, source::Manual};

/// Settings: there are none.
#[derive(Debug)]
pub struct Config {}

/// What it needs: nothing.
#[derive(Debug)]
pub struct Needs {}

/// What it provides beside the [`Provider`] of the image: nothing.
#[derive(Debug)]
pub struct Provides {}

/// Starts the room. The allocator works from the first instruction on, and is empty until the platform adds memory.
///
/// # Errors
/// None.
pub fn init(_: &'static Config, _: Needs) -> Result<Provides, Infallible> {
    Ok(Provides {})
}

/// The allocator, for a `static` of the image.
pub struct Provider {
    talc: TalcCell<Manual>,
}

// SAFETY: `iface_allocator::Allocator` has its callers take turns, and no method runs while another does, since none
// of them calls out (`Manual` does nothing).
unsafe impl Sync for Provider {}

impl Provider {
    /// An allocator without memory.
    pub const fn new(_: &'static Config) -> Self {
        Self { talc: TalcCell::new(Manual) }
    }
}

// SAFETY: every method is `TalcCell`'s own with the arguments as they came, so its guarantees are ours, and the caller's
// duties are the same.
unsafe impl GlobalAlloc for Provider {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's duty is the same.
        unsafe { GlobalAlloc::alloc(&self.talc, layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's duty is the same.
        unsafe { GlobalAlloc::dealloc(&self.talc, pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's duty is the same.
        unsafe { GlobalAlloc::realloc(&self.talc, pointer, layout, new_size) }
    }
}

impl Allocator for Provider {
    fn add(&self, memory: &'static mut [MaybeUninit<u8>]) {
        // SAFETY: the memory is borrowed mutably for ever, so it is nobody else's and stays. `None` says that it is too
        // small to be of use.
        let _ = unsafe { self.talc.claim(memory.as_mut_ptr().cast(), memory.len()) };
    }

    fn usage(&self) -> Usage {
        let counters = self.talc.counters();
        let total = counters.claimed_bytes;
        Usage { total, used: total - counters.available_bytes }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::boxed::Box;

    use super::*;

    fn fresh() -> &'static Provider {
        Box::leak(Box::new(Provider::new(&Config {})))
    }

    #[test]
    fn conforms() {
        allocator_conformance::conforms(fresh);
    }

    #[test]
    fn little_memory_is_lost_to_mixed_sizes() {
        let share = allocator_conformance::share_in_use(fresh);
        assert!(share > 0.80, "{share}");
    }

    #[test]
    #[ignore = "figures of the README: cargo test --release -p alloc-talc figures -- --ignored --nocapture"]
    fn figures() {
        for count in [1000, 10_000] {
            std::println!("one of {count}: {:?}", allocator_conformance::time_of_a_free(fresh, count));
        }
        std::println!("share in use: {:.3}", allocator_conformance::share_in_use(fresh));
    }

    #[test]
    fn grows_in_place_where_the_next_chunk_is_free() {
        let provider = fresh();
        provider.add(Box::leak(Box::new_uninit_slice(1 << 16)));
        // SAFETY: the layouts are those the chunk has at each step.
        unsafe {
            let layout = Layout::from_size_align(1000, 8).unwrap();
            let pointer = provider.alloc(layout);
            assert_eq!(provider.realloc(pointer, layout, 9000), pointer);
            provider.dealloc(pointer, Layout::from_size_align(9000, 8).unwrap());
        }
    }
}
