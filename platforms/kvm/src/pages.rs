//! Memory by the page: stacks, and memory that devices share.

use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use core::ptr::NonNull;

use guarded_stacks::Guards;
use iface_dma::{Dma, Region};
use iface_memory::{Memory, MemoryError, Stack};
use x86_64::paging::{self, Access};

use crate::{Kvm, init};

const PAGE: usize = paging::PAGE_SIZE as usize;

// SAFETY: the page tables keep a guard page's note, and make it ordinary memory again.
unsafe impl Guards for Kvm {
    unsafe fn guard(&self, page: usize, note: u32) -> bool {
        // SAFETY: the caller's.
        unsafe { paging::guard(page as u64, note) }.is_ok()
    }

    fn guarded(&self, address: usize) -> Option<u32> {
        paging::guarded(address as u64)
    }

    fn unguard(&self, page: usize) -> bool {
        paging::unguard(page as u64).is_ok()
    }
}

impl Memory for Kvm {
    fn stack(&self, size: usize) -> Result<Stack, MemoryError> {
        guarded_stacks::stack(self, size)
    }

    fn release_stack(&self, stack: Stack) {
        guarded_stacks::release(self, stack);
    }
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
        let address = pointer.as_ptr() as u64;
        // Pages of the window lie elsewhere, each on its own.
        assert!(address < paging::WINDOW.start, "a device was given {address:#x}, which is no memory to it");
        address
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
