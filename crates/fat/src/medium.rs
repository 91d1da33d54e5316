//! The disk by bytes instead of blocks.

use alloc::{vec, vec::Vec};

use iface_block_device::{BlockDevice, BlockError};
use iface_filesystem::FileError;

/// A disk that is read and written at any byte.
pub(crate) struct Medium<D> {
    disk: D,
    /// A block of which only a part was read or written: what follows is likely in it too.
    edge: Option<(u64, Vec<u8>)>,
    /// Whether something was written since the last flush.
    is_dirty: bool,
}

/// A failure of the disk as one of the file system.
pub(crate) fn failed(error: BlockError) -> FileError {
    match error {
        BlockError::ReadOnly => FileError::ReadOnly,
        _ => FileError::DiskFailed,
    }
}

impl<D: BlockDevice> Medium<D> {
    pub(crate) fn new(disk: D) -> Self {
        Self { disk, edge: None, is_dirty: false }
    }

    /// Bytes of the disk.
    pub(crate) fn size(&self) -> u64 {
        self.disk.blocks().saturating_mul(self.disk.block_size() as u64)
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.disk.is_read_only()
    }

    /// Fills `buffer` from byte `offset` on: whole blocks by one request.
    pub(crate) fn read(&mut self, mut offset: u64, mut buffer: &mut [u8]) -> Result<(), BlockError> {
        while !buffer.is_empty() {
            let (block, within, length) = self.piece(offset, buffer.len());
            let (now, rest) = buffer.split_at_mut(length);
            if self.is_whole(within, length) {
                self.disk.read(block, now)?;
            } else {
                now.copy_from_slice(&self.edge(block)?[within..within + length]);
            }
            buffer = rest;
            offset += length as u64;
        }
        Ok(())
    }

    /// Writes `bytes` from byte `offset` on: whole blocks by one request, others after they were read.
    pub(crate) fn write(&mut self, mut offset: u64, mut bytes: &[u8]) -> Result<(), BlockError> {
        self.is_dirty = true;
        while !bytes.is_empty() {
            let (block, within, length) = self.piece(offset, bytes.len());
            let (now, rest) = bytes.split_at(length);
            if self.is_whole(within, length) {
                let blocks = block..block + (length / self.disk.block_size()) as u64;
                self.edge.take_if(|(edge, _)| blocks.contains(edge));
                self.disk.write(block, now)?;
            } else {
                self.edge(block)?[within..within + length].copy_from_slice(now);
                // What the disk did not take is not to be read.
                let (_, whole) = self.edge.take().unwrap_or_default();
                self.disk.write(block, &whole)?;
                self.edge = Some((block, whole));
            }
            bytes = rest;
            offset += length as u64;
        }
        Ok(())
    }

    /// Returns when all that was written is on the medium.
    pub(crate) fn flush(&mut self) -> Result<(), BlockError> {
        if self.is_dirty {
            self.disk.flush()?;
            self.is_dirty = false;
        }
        Ok(())
    }

    /// The block of byte `offset`, where in it that is, and how many of `length` bytes can be moved at once: whole blocks as
    /// long as there are any, else what is of this block.
    fn piece(&self, offset: u64, length: usize) -> (u64, usize, usize) {
        let size = self.disk.block_size();
        let (block, within) = (offset / size as u64, (offset % size as u64) as usize);
        let count =
            if within == 0 && length >= size { length - length % size } else { length.min(size - within) };
        (block, within, count)
    }

    fn is_whole(&self, within: usize, length: usize) -> bool {
        within == 0 && length.is_multiple_of(self.disk.block_size())
    }

    /// The bytes of a block that is read or written in parts.
    fn edge(&mut self, block: u64) -> Result<&mut Vec<u8>, BlockError> {
        if self.edge.as_ref().is_none_or(|(edge, _)| *edge != block) {
            self.edge = None;
            let mut bytes = vec![0; self.disk.block_size()];
            self.disk.read(block, &mut bytes)?;
            self.edge = Some((block, bytes));
        }
        let (_, bytes) = self.edge.get_or_insert_default();
        Ok(bytes)
    }
}
