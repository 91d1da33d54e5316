//! One provider, a static of the image.
#![no_std]

/// A heap.
pub trait Heap: Sync + 'static {
    /// Bytes in use.
    fn used(&self) -> usize;
}
