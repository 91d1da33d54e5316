//! A disk as bytes, for a reader that does not know of blocks.

use alloc::{boxed::Box, vec, vec::Vec};
use core::error::Error;

use ext4_view::Ext4Read;
use iface_block_device::{BlockDevice, BlockError};

/// Bytes at any place of a disk, and the block that was read in part last: descriptors of block groups are asked for one
/// by one.
pub(crate) struct Bytes<D> {
    disk: D,
    block: Vec<u8>,
    /// Which one `block` is.
    number: Option<u64>,
}

impl<D: BlockDevice> Bytes<D> {
    pub(crate) fn new(disk: D) -> Self {
        Self { disk, block: vec![0; disk.block_size()], number: None }
    }

    /// Fills `buffer` from byte `start` on: whole blocks go where they belong, others by way of `block`.
    pub(crate) fn read_at(&mut self, mut start: u64, mut buffer: &mut [u8]) -> Result<(), BlockError> {
        let size = self.block.len();
        while !buffer.is_empty() {
            let (number, offset) = (start / size as u64, (start % size as u64) as usize);
            let whole = buffer.len() - buffer.len() % size;
            let length = if offset == 0 && whole != 0 { whole } else { buffer.len().min(size - offset) };
            let (piece, rest) = buffer.split_at_mut(length);
            if length == whole {
                self.disk.read(number, piece)?;
            } else {
                piece.copy_from_slice(&self.block(number)?[offset..][..length]);
            }
            buffer = rest;
            start = start.checked_add(length as u64).ok_or(BlockError::OutOfRange)?;
        }
        Ok(())
    }

    fn block(&mut self, number: u64) -> Result<&[u8], BlockError> {
        if self.number != Some(number) {
            self.number = None;
            self.disk.read(number, &mut self.block)?;
            self.number = Some(number);
        }
        Ok(&self.block)
    }
}

impl<D: BlockDevice> Ext4Read for Bytes<D> {
    fn read(&mut self, start: u64, buffer: &mut [u8]) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.read_at(start, buffer).map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use iface_block_device::fake::Disk;

    use super::*;

    #[test]
    fn any_bytes_are_those_of_the_disk() {
        let contents: Vec<u8> = (0..8 * 512).map(|index| (index * 7 / 512 + index) as u8).collect();
        let mut bytes = Bytes::new(Disk::new(512, contents.clone()));
        for start in [0, 1, 511, 512, 513, 1024, 2000] {
            for length in [0, 1, 511, 512, 513, 1024, 1100, 2000] {
                let mut buffer = vec![0xaa; length];
                assert_eq!(bytes.read_at(start as u64, &mut buffer), Ok(()));
                assert_eq!(buffer, contents[start..][..length], "{length} bytes from {start}");
            }
        }
        for (start, length) in [(4095, 2), (4096, 1), (0, 4097), (u64::MAX, 2), (u64::MAX - 511, 512)] {
            let read = bytes.read_at(start, &mut vec![0; length]);
            assert_eq!(read, Err(BlockError::OutOfRange), "{length} bytes from {start}");
        }
    }
}
