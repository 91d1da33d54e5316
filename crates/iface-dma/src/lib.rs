#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "an implementor hands out memory that devices write")]

use core::ptr::NonNull;

/// Page size of DMA memory, in bytes.
pub const PAGE_SIZE: usize = 4096;

/// Physically contiguous memory that devices may read and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Where the processor sees it; page-aligned.
    pub pointer: NonNull<u8>,
    /// Where devices see it; page-aligned.
    pub address: u64,
    /// Its length in pages of [`PAGE_SIZE`] bytes.
    pub pages: usize,
}

/// Memory shared with devices, and device registers.
///
/// # Safety
/// An implementor answers for what it returns: a region is valid for reads and writes of all its pages, belongs to
/// no one else until it is freed, and `address` is where a device finds it.
pub unsafe trait Dma: Copy + 'static {
    /// Allocates `pages` contiguous zeroed pages; `None` when there are not as many.
    fn allocate(pages: usize) -> Option<Region>;

    /// Frees a region.
    ///
    /// # Safety
    /// It came from [`allocate`](Dma::allocate), is freed once, and no device and no reference uses it any more.
    unsafe fn free(region: Region);

    /// Where devices see the ordinary memory at `pointer`, `length` bytes long, all of it contiguous for them. Pages of an
    /// address space of their own (`iface-address-space`) are not: what they hold is copied.
    fn address_of(pointer: NonNull<u8>, length: usize) -> u64;

    /// Where the processor sees the device registers at physical `address`, uncached.
    ///
    /// # Safety
    /// The range is registers of a device that the caller drives, and not memory.
    unsafe fn registers(address: u64, length: usize) -> NonNull<u8>;
}
