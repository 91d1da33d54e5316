//! The token of a buffer that the driver owns.

use core::ptr::NonNull;

/// A buffer of a [`Ring`](crate::Ring) while it is the driver's.
///
/// Dropping it instead of giving it back loses the buffer until the image ends; nothing worse.
#[derive(Debug)]
#[must_use = "a buffer that is not given back is lost"]
pub struct Buffer {
    pointer: NonNull<u8>,
    capacity: u32,
    id: u16,
}

impl Buffer {
    /// A token of buffer `id` at `pointer`.
    ///
    /// # Safety
    /// `pointer` is valid for reads and writes of `capacity` initialised bytes for the rest of the image's life, and
    /// no one accesses them while the token exists.
    pub(crate) unsafe fn new(pointer: NonNull<u8>, capacity: u32, id: u16) -> Self {
        Self { pointer, capacity, id }
    }

    /// The number of the buffer in its ring.
    pub(crate) fn id(&self) -> u16 {
        self.id
    }

    /// Where it lies.
    pub(crate) fn pointer(&self) -> NonNull<u8> {
        self.pointer
    }
}

impl AsRef<[u8]> for Buffer {
    /// All of the buffer, whatever part of it the device filled.
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `new` was promised that the bytes are valid, initialised, and accessed through this token alone,
        // which is borrowed for as long as the slice lives.
        unsafe { core::slice::from_raw_parts(self.pointer.as_ptr(), self.capacity as usize) }
    }
}

impl AsMut<[u8]> for Buffer {
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_ref`, and the token is borrowed mutably.
        unsafe { core::slice::from_raw_parts_mut(self.pointer.as_ptr(), self.capacity as usize) }
    }
}
