//! The three parts of a split virtqueue as they lie in memory (VIRTIO 1.2, sections 2.7.5, 2.7.6 and 2.7.8).
//!
//! Every field is atomic, since the device writes while we look: a shared reference to these types claims nothing
//! about the values that a device could break.

use core::{
    mem::{offset_of, size_of},
    ptr::NonNull,
    sync::atomic::{AtomicU16, AtomicU32, AtomicU64},
};

use virtio_drivers::{Hal, PAGE_SIZE, PhysAddr};

use crate::memory;

/// `VIRTQ_DESC_F_NEXT`: the chain goes on at descriptor `next`.
pub(crate) const DESCRIPTOR_NEXT: u16 = 1;
/// `VIRTQ_DESC_F_WRITE`: the device writes the buffer.
pub(crate) const DESCRIPTOR_WRITE: u16 = 2;
/// `VIRTQ_AVAIL_F_NO_INTERRUPT`.
pub(crate) const NO_INTERRUPT: u16 = 1;
/// `VIRTQ_USED_F_NO_NOTIFY`.
pub(crate) const NO_NOTIFY: u16 = 1;

/// Where a buffer is (section 2.7.5). Little-endian, as all of the images' architectures are.
#[repr(C, align(16))]
pub(crate) struct Descriptor {
    pub(crate) address: AtomicU64,
    pub(crate) length: AtomicU32,
    pub(crate) flags: AtomicU16,
    pub(crate) next: AtomicU16,
}

/// What the driver gives to the device (section 2.7.6).
#[repr(C)]
pub(crate) struct Available<const SIZE: usize> {
    pub(crate) flags: AtomicU16,
    pub(crate) index: AtomicU16,
    pub(crate) ring: [AtomicU16; SIZE],
    pub(crate) used_event: AtomicU16,
}

/// A buffer that the device returns.
#[repr(C)]
pub(crate) struct UsedElement {
    pub(crate) id: AtomicU32,
    pub(crate) length: AtomicU32,
}

/// What the device returns (section 2.7.8).
#[repr(C)]
pub(crate) struct UsedRing<const SIZE: usize> {
    pub(crate) flags: AtomicU16,
    pub(crate) index: AtomicU16,
    pub(crate) ring: [UsedElement; SIZE],
    pub(crate) available_event: AtomicU16,
}

/// The three parts, at the addresses that the device is told.
pub(crate) struct Shared<const SIZE: usize> {
    pub(crate) descriptors: &'static [Descriptor; SIZE],
    pub(crate) available: &'static Available<SIZE>,
    pub(crate) used: &'static UsedRing<SIZE>,
    /// Where the device sees the descriptors, the available ring and the used ring.
    pub(crate) addresses: [PhysAddr; 3],
}

/// All three in one piece of memory, in order.
#[repr(C)]
struct Compact<const SIZE: usize> {
    descriptors: [Descriptor; SIZE],
    available: Available<SIZE>,
    used: UsedRing<SIZE>,
}

impl<const SIZE: usize> Shared<SIZE> {
    /// Zeroed rings; `None` where there is no memory. The legacy layout has the used ring on a page of its own
    /// (section 2.7.2).
    pub(crate) fn allocate<H: Hal>(legacy: bool) -> Option<Self> {
        let available = offset_of!(Compact<SIZE>, available);
        let used = if legacy {
            (available + size_of::<Available<SIZE>>()).next_multiple_of(PAGE_SIZE)
        } else {
            offset_of!(Compact<SIZE>, used)
        };
        let memory = memory::allocate::<H>(used + size_of::<UsedRing<SIZE>>())?;
        let offsets = [0, available, used];
        let addresses = offsets.map(|offset| memory.address + offset as PhysAddr);
        // SAFETY: every offset lies within the memory just allocated.
        let [descriptors, available, used] = offsets.map(|offset| unsafe { memory.pointer.add(offset) });
        Some(Self {
            // SAFETY: the memory is ours and never freed, zeroed (a valid value of atomics), large enough for the
            // three parts, which do not overlap, and aligned: it begins a page, and the offsets are multiples of
            // each part's alignment. The device's writes race with atomics alone.
            descriptors: unsafe { reference(descriptors) },
            // SAFETY: as above.
            available: unsafe { reference(available) },
            // SAFETY: as above.
            used: unsafe { reference(used) },
            addresses,
        })
    }
}

/// # Safety
/// `pointer` is aligned for and points to a valid `T`, for ever, and is accessed through shared references alone.
unsafe fn reference<T>(pointer: NonNull<u8>) -> &'static T {
    // SAFETY: the caller's promise.
    unsafe { pointer.cast().as_ref() }
}
