//! virtio-drivers' view of memory, on the platform's.

use core::{marker::PhantomData, ptr::NonNull};

use iface_dma::{Dma, Region};
use virtio_drivers::{BufferDirection, Hal, PhysAddr};

/// Memory of `D` for devices. Their view of it is coherent, and they reach all of it: nothing is copied, mapped or
/// flushed.
#[derive(Debug)]
pub struct DmaHal<D>(PhantomData<fn() -> D>);

// SAFETY: `Dma`'s implementor promises what the methods' implementors have to: regions are valid, page-aligned, zeroed
// and no one else's, and register mappings are valid.
unsafe impl<D: Dma> Hal for DmaHal<D> {
    fn dma_alloc(pages: usize, _direction: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        match D::allocate(pages) {
            Some(region) => (region.address, region.pointer),
            // How the caller is told that there is none; the pointer is not looked at.
            None => (0, NonNull::dangling()),
        }
    }

    unsafe fn dma_dealloc(address: PhysAddr, pointer: NonNull<u8>, pages: usize) -> i32 {
        // SAFETY: the caller gives what `dma_alloc` returned, once, and uses it no more.
        unsafe { D::free(Region { pointer, address, pages }) };
        0
    }

    unsafe fn mmio_phys_to_virt(address: PhysAddr, size: usize) -> NonNull<u8> {
        // SAFETY: the caller promises that these are a device's registers.
        unsafe { D::registers(address, size) }
    }

    unsafe fn share(buffer: NonNull<[u8]>, _direction: BufferDirection) -> PhysAddr {
        D::address_of(buffer.cast(), buffer.len())
    }

    unsafe fn unshare(_address: PhysAddr, _buffer: NonNull<[u8]>, _direction: BufferDirection) {}
}
