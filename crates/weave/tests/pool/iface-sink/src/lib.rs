//! Any number of providers.
#![no_std]

/// Where bytes go.
pub trait Sink {
    /// Takes some.
    fn take(&self, bytes: &[u8]);
}
