//! Pages that a device may read and write until the image ends.

use core::ptr::NonNull;

use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

/// Zeroed, contiguous memory that is never freed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Where the driver sees it; page-aligned.
    pub(crate) pointer: NonNull<u8>,
    /// Where the device sees it; page-aligned.
    pub(crate) address: PhysAddr,
}

/// At least `bytes` of it; `None` where there are not as many.
pub(crate) fn allocate<H: Hal>(bytes: usize) -> Option<Memory> {
    let (address, pointer) = H::dma_alloc(bytes.div_ceil(PAGE_SIZE), BufferDirection::Both);
    // Hal's way to say that there is none.
    (address != 0).then_some(Memory { pointer, address })
}
