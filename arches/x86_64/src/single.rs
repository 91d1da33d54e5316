//! State of an image that runs on one processor.

use core::ops::Deref;

/// A `static` that one processor alone uses.
///
/// It makes anything `Sync`. Interrupts don't break that: they are off but in a window in which no Rust code runs
/// ([`interrupts`](crate::interrupts)).
#[derive(Debug)]
pub struct SingleCore<T>(T);

impl<T> SingleCore<T> {
    /// Wraps a value.
    ///
    /// # Safety
    /// The image runs on one processor, and no interrupt or exception handler that returns uses the value.
    pub const unsafe fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for SingleCore<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

// SAFETY: whoever made it promised that there is one processor, so there is no other thread to share it with.
unsafe impl<T> Sync for SingleCore<T> {}
// SAFETY: as for `Sync`.
unsafe impl<T> Send for SingleCore<T> {}
