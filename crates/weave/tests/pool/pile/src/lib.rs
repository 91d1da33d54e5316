//! An allocator with nothing to give.
#![no_std]
#![expect(unsafe_code, reason = "an allocator is an unsafe trait")]

use core::alloc::{GlobalAlloc, Layout};

/// Settings.
pub struct Config {
    /// How blocks are found.
    pub strategy: Strategy,
}

/// How blocks are found.
pub enum Strategy {
    /// The first that is large enough.
    FirstFit,
    /// The smallest that is large enough.
    BestFit,
}

/// What it needs.
pub struct Needs {}

/// What it provides: the static.
pub struct Provides {}

/// The allocator.
pub struct Provider(&'static Config);

impl Provider {
    /// With these settings.
    pub const fn new(config: &'static Config) -> Self {
        Self(config)
    }
}

impl iface_heap::Heap for Provider {
    fn used(&self) -> usize {
        match self.0.strategy {
            Strategy::FirstFit => 0,
            Strategy::BestFit => 1,
        }
    }
}

// SAFETY: it hands out nothing, so nothing can be wrong with it.
unsafe impl GlobalAlloc for Provider {
    unsafe fn alloc(&self, _layout: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _pointer: *mut u8, _layout: Layout) {}
}

/// Starts it.
pub fn init(_config: &'static Config, _needs: Needs) -> Result<Provides, core::convert::Infallible> {
    Ok(Provides {})
}
