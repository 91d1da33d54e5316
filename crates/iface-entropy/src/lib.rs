#![doc = include_str!("../README.md")]
#![no_std]

/// Why there are no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntropyError {
    /// The source did not answer, or said that it failed.
    SourceFailed,
}

impl core::fmt::Display for EntropyError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::SourceFailed => f.write_str("the source of random numbers failed"),
        }
    }
}

impl core::error::Error for EntropyError {}

/// Random bytes fit for cryptographic keys.
pub trait Entropy: Copy + 'static {
    /// Fills all of `buffer`.
    ///
    /// # Errors
    /// [`EntropyError::SourceFailed`]: what is in `buffer` must not be used.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError>;
}
