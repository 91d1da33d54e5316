#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

pub mod conformance;
pub mod fake;

use core::fmt::{self, Display};

/// Why a disk did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockError {
    /// Some of the blocks are not on the disk.
    OutOfRange,
    /// The bytes are not whole blocks.
    NotWholeBlocks,
    /// The disk can't be written.
    ReadOnly,
    /// The disk does not do this at all.
    Unsupported,
    /// The disk says that it failed.
    Failed,
    /// The disk is gone.
    Gone,
}

impl Display for BlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfRange => "the blocks are not on the disk",
            Self::NotWholeBlocks => "the bytes are not whole blocks",
            Self::ReadOnly => "the disk is read-only",
            Self::Unsupported => "the disk does not do this",
            Self::Failed => "the disk failed",
            Self::Gone => "the disk is gone",
        })
    }
}

impl core::error::Error for BlockError {}

/// A disk.
pub trait BlockDevice: Copy + 'static {
    /// Bytes of a block: a power of two from 512 to 4096.
    fn block_size(&self) -> usize;

    /// Number of blocks.
    fn blocks(&self) -> u64;

    /// Whether the disk refuses writes.
    fn is_read_only(&self) -> bool;

    /// Fills `buffer`, which is whole blocks, from block `first` on. No block at all is read at once.
    ///
    /// # Errors
    /// As [`BlockError`] says; the buffer then holds anything.
    fn read(&self, first: u64, buffer: &mut [u8]) -> Result<(), BlockError>;

    /// Writes `bytes`, which are whole blocks, from block `first` on.
    ///
    /// # Errors
    /// As [`BlockError`] says; any part may have been written then.
    fn write(&self, first: u64, bytes: &[u8]) -> Result<(), BlockError>;

    /// Returns when everything that was written is on the medium.
    ///
    /// # Errors
    /// As [`BlockError`] says. A disk without a cache has nothing to do.
    fn flush(&self) -> Result<(), BlockError>;
}

/// Whether `length` bytes from block `first` on are whole blocks that are on `disk`: what a driver asks before the disk.
///
/// # Errors
/// [`BlockError::NotWholeBlocks`] and [`BlockError::OutOfRange`], in this order.
pub fn check<D: BlockDevice>(disk: &D, first: u64, length: usize) -> Result<(), BlockError> {
    if !length.is_multiple_of(disk.block_size()) {
        return Err(BlockError::NotWholeBlocks);
    }
    let end = first.checked_add((length / disk.block_size()) as u64);
    if end.is_some_and(|end| end <= disk.blocks()) { Ok(()) } else { Err(BlockError::OutOfRange) }
}
