//! Who has what: the free list, a token, or the device.

/// The numbers of `SIZE` things at most, each of which is free, held by the driver or with the device.
pub(crate) struct Slots<const SIZE: usize> {
    with_device: [bool; SIZE],
    /// The free numbers: the first `free_count`.
    free: [u16; SIZE],
    free_count: usize,
}

impl<const SIZE: usize> Slots<SIZE> {
    /// `count` things, all free.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            with_device: [false; SIZE],
            free: core::array::from_fn(|number| number as u16),
            free_count: count.min(SIZE),
        }
    }

    /// A free one becomes the driver's.
    #[inline]
    pub(crate) fn take_free(&mut self) -> Option<u16> {
        self.free_count = self.free_count.checked_sub(1)?;
        Some(self.free[self.free_count])
    }

    #[inline]
    pub(crate) fn has_free(&self) -> bool {
        self.free_count != 0
    }

    /// One of the driver's becomes free.
    #[inline]
    pub(crate) fn give_back(&mut self, number: u16) {
        self.free[self.free_count] = number;
        self.free_count += 1;
    }

    /// One of the driver's becomes the device's.
    #[inline]
    pub(crate) fn lend(&mut self, number: u16) {
        self.with_device[usize::from(number)] = true;
    }

    /// One becomes the driver's, if the device has it.
    #[inline]
    pub(crate) fn claim(&mut self, number: u32) -> Option<u16> {
        let with_device = self.with_device.get_mut(number as usize)?;
        core::mem::take(with_device).then_some(number as u16)
    }
}
