//! DMA memory out of the heap.

use std::{
    alloc::{Layout, alloc_zeroed, dealloc},
    cell::RefCell,
    ptr::NonNull,
};

use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

thread_local! {
    static REGIONS: RefCell<Vec<(NonNull<u8>, Layout)>> = const { RefCell::new(Vec::new()) };
}

/// What was allocated on this thread; dropping it frees all of it. Devices and drivers are gone by then.
#[derive(Debug, Default)]
pub struct Memory(());

impl Memory {
    /// Bytes that are allocated.
    pub fn bytes(&self) -> usize {
        REGIONS.with_borrow(|regions| regions.iter().map(|(_, layout)| layout.size()).sum())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        for (pointer, layout) in REGIONS.take() {
            // SAFETY: it was allocated with this layout, and left the list just now.
            unsafe { dealloc(pointer.as_ptr(), layout) }
        }
    }
}

/// Memory that devices and drivers of this thread share.
#[derive(Debug)]
pub struct FakeHal;

// SAFETY: the pages come zeroed and aligned from the heap, belong to no one else, and a device's address is the
// pointer.
unsafe impl Hal for FakeHal {
    fn dma_alloc(pages: usize, _direction: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let layout = Layout::from_size_align(pages * PAGE_SIZE, PAGE_SIZE).expect("a size in bounds");
        // SAFETY: no caller asks for no pages.
        let pointer = NonNull::new(unsafe { alloc_zeroed(layout) }).expect("memory for a test");
        REGIONS.with_borrow_mut(|regions| regions.push((pointer, layout)));
        (pointer.as_ptr().expose_provenance() as PhysAddr, pointer)
    }

    unsafe fn dma_dealloc(_address: PhysAddr, _pointer: NonNull<u8>, _pages: usize) -> i32 {
        0
    }

    unsafe fn mmio_phys_to_virt(_address: PhysAddr, _size: usize) -> NonNull<u8> {
        unreachable!("the fake transport has no registers in memory")
    }

    unsafe fn share(buffer: NonNull<[u8]>, _direction: BufferDirection) -> PhysAddr {
        buffer.cast::<u8>().as_ptr().expose_provenance() as PhysAddr
    }

    unsafe fn unshare(_address: PhysAddr, _buffer: NonNull<[u8]>, _direction: BufferDirection) {}
}
