//! Memory by the page: stacks.

use guarded_stacks::Guards;
use iface_memory::{Memory, MemoryError, Stack};

use crate::Xen;
use crate::machine::machine;

// SAFETY: both ways to run keep a guard page's note, and make it ordinary memory again.
unsafe impl Guards for Xen {
    unsafe fn guard(&self, page: usize, note: u32) -> bool {
        // SAFETY: the caller's.
        unsafe { machine().guard(page as u64, note) }.is_ok()
    }

    fn guarded(&self, address: usize) -> Option<u32> {
        machine().guarded(address as u64)
    }

    fn unguard(&self, page: usize) -> bool {
        machine().unguard(page as u64).is_ok()
    }
}

impl Memory for Xen {
    fn stack(&self, size: usize) -> Result<Stack, MemoryError> {
        guarded_stacks::stack(self, size)
    }

    fn release_stack(&self, stack: Stack) {
        guarded_stacks::release(self, stack);
    }
}
