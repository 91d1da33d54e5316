//! One provider.
#![no_std]

/// A bell.
pub trait Bell: Copy + 'static {
    /// Rings it.
    fn ring(&self);
}
