//! Memory by the page: stacks, and memory that devices share.

use alloc::alloc::{Layout, alloc, alloc_zeroed, dealloc};
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::slice;

use iface_dma::{Dma, Region};
use iface_memory::{Memory, MemoryError, Stack};
use x86_64::paging::{self, Access};

use crate::{Kvm, init};

const PAGE: usize = paging::PAGE_SIZE as usize;

impl Memory for Kvm {
    fn stack(&self, size: usize) -> Result<Stack, MemoryError> {
        let pages = size.div_ceil(PAGE).max(1);
        let note = u32::try_from(pages).map_err(|_| MemoryError::Exhausted)?;
        let layout = with_guard(pages).ok_or(MemoryError::Exhausted)?;
        // SAFETY: the layout has a size.
        let base = NonNull::new(unsafe { alloc(layout) }).ok_or(MemoryError::Exhausted)?;
        // SAFETY: the page was just allocated, and nobody else has it.
        if unsafe { paging::guard(base.as_ptr() as u64, note) }.is_err() {
            // SAFETY: as allocated above.
            unsafe { dealloc(base.as_ptr(), layout) };
            return Err(MemoryError::Exhausted);
        }
        // SAFETY: the pages after the first were allocated above and are nobody else's.
        Ok(unsafe {
            slice::from_raw_parts_mut(base.as_ptr().add(PAGE).cast::<MaybeUninit<u8>>(), pages * PAGE)
        })
    }

    fn release_stack(&self, stack: Stack) {
        let base = (stack.as_ptr() as usize).wrapping_sub(PAGE);
        let pages = stack.len() / PAGE;
        let ours =
            paging::guarded(base as u64) == Some(pages as u32) && stack.len() == pages * PAGE && pages > 0;
        assert!(ours, "released memory that is no stack");
        paging::unguard(base as u64).expect("a guard page");
        // SAFETY: the guard page says that `stack` allocated it, with this many pages; whoever gives the reference up uses
        // the memory no more.
        unsafe { dealloc(base as *mut u8, Layout::from_size_align_unchecked((pages + 1) * PAGE, PAGE)) };
    }
}

/// `pages` and a guard page.
fn with_guard(pages: usize) -> Option<Layout> {
    Layout::from_size_align(pages.checked_add(1)?.checked_mul(PAGE)?, PAGE).ok()
}

// SAFETY: memory from the allocator is nobody else's until it is freed; the machine has no I/O memory-management unit
// turned on, so devices see every address as the processor does, whose page tables map each to itself.
unsafe impl Dma for Kvm {
    fn allocate(pages: usize) -> Option<Region> {
        let layout = region(pages).filter(|layout| layout.size() > 0)?;
        // SAFETY: the layout has a size.
        let pointer = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Region { pointer, address: pointer.as_ptr() as u64, pages })
    }

    unsafe fn free(freed: Region) {
        let Some(layout) = region(freed.pages) else { return };
        // SAFETY: the caller says that it came from `allocate`, which took this layout.
        unsafe { dealloc(freed.pointer.as_ptr(), layout) };
    }

    fn address_of(pointer: NonNull<u8>, _: usize) -> u64 {
        pointer.as_ptr() as u64
    }

    unsafe fn registers(address: u64, length: usize) -> NonNull<u8> {
        let start = address & !(paging::PAGE_SIZE - 1);
        let end = (address + length as u64).next_multiple_of(paging::PAGE_SIZE);
        // A device that says it lies in memory would have that made uncached under its owner.
        assert!(!init::is_memory(&(start..end)), "device registers at {address:#x}: that is memory");
        // SAFETY: the caller says that these are registers of a device, and they are no memory of the image.
        unsafe { paging::map(start..end, Access::Device) }
            .unwrap_or_else(|error| panic!("device registers at {address:#x}: {error}"));
        NonNull::new(address as *mut u8).expect("device registers are not at address 0")
    }
}

fn region(pages: usize) -> Option<Layout> {
    Layout::from_size_align(pages.checked_mul(PAGE)?, PAGE).ok()
}
