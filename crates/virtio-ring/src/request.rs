//! The token of a request that the driver owns.

use core::{ptr::NonNull, slice};

use crate::requests::Shape;

/// What the status of a request is until a device writes it.
pub const UNANSWERED: u8 = u8::MAX;

/// A request of [`Requests`](crate::Requests) while it is the driver's: a header for the device, room for data, and the
/// status that the device wrote.
///
/// Dropping it instead of giving it back loses it until the image ends; nothing worse.
#[derive(Debug)]
#[must_use = "a request that is not given back is lost"]
pub struct Request {
    data: NonNull<u8>,
    /// The header, and behind it the status.
    control: NonNull<u8>,
    shape: Shape,
    number: u16,
}

impl Request {
    /// A token of request `number`.
    ///
    /// # Safety
    /// `data` is valid for reads and writes of `shape.data_length` initialised bytes, and `control` of
    /// `shape.header_length + 1`, for the rest of the image's life; they do not overlap, and no one accesses them while the
    /// token exists.
    pub(crate) unsafe fn new(data: NonNull<u8>, control: NonNull<u8>, shape: Shape, number: u16) -> Self {
        Self { data, control, shape, number }
    }

    /// Its number among the requests of the queue, below [`Shape::requests`]; by it a driver finds what it is for.
    #[inline]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// What tells the device what to do.
    #[inline]
    pub fn header_mut(&mut self) -> &mut [u8] {
        // SAFETY: `new` was promised that the bytes are valid, initialised, and accessed through this token alone, which
        // is borrowed mutably for as long as the slice lives.
        unsafe { slice::from_raw_parts_mut(self.control.as_ptr(), self.shape.header_length.into()) }
    }

    /// All of the room for data, whatever part of it the device filled.
    #[inline]
    pub fn data(&self) -> &[u8] {
        // SAFETY: as in `header_mut`, and the slice is for reading.
        unsafe { slice::from_raw_parts(self.data.as_ptr(), self.shape.data_length as usize) }
    }

    /// The same, to be written.
    #[inline]
    pub fn data_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `header_mut`.
        unsafe { slice::from_raw_parts_mut(self.data.as_ptr(), self.shape.data_length as usize) }
    }

    /// What the device wrote at the end; [`UNANSWERED`] where it wrote nothing.
    #[inline]
    pub fn status(&self) -> u8 {
        // SAFETY: as in `header_mut`; the byte behind the header is the status.
        unsafe { self.control.add(self.shape.header_length.into()).read() }
    }

    /// Forgets the status of the last time.
    #[inline]
    pub(crate) fn clear_status(&mut self) {
        // SAFETY: as in `status`, and the token is borrowed mutably.
        unsafe { self.control.add(self.shape.header_length.into()).write(UNANSWERED) }
    }

    /// Where its data lie.
    #[inline]
    pub(crate) fn data_pointer(&self) -> NonNull<u8> {
        self.data
    }
}
