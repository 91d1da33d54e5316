//! A disk in memory, with a cache that forgets when the power is cut.

use alloc::{boxed::Box, vec::Vec};
use core::cell::{Cell, RefCell};

use crate::{BlockDevice, BlockError, check};

/// A disk for as long as the test runs.
#[derive(Debug)]
pub struct Disk {
    block_size: usize,
    is_read_only: bool,
    /// What is read.
    cached: RefCell<Vec<u8>>,
    /// What a flush has saved.
    medium: RefCell<Vec<u8>>,
    fault: Cell<Option<BlockError>>,
}

impl Disk {
    /// A disk that holds `contents`, in blocks of `block_size` bytes.
    ///
    /// # Panics
    /// When these are not whole blocks.
    pub fn new(block_size: usize, contents: Vec<u8>) -> &'static Self {
        Self::with(block_size, contents, false)
    }

    /// The same, which refuses writes.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn read_only(block_size: usize, contents: Vec<u8>) -> &'static Self {
        Self::with(block_size, contents, true)
    }

    fn with(block_size: usize, contents: Vec<u8>, is_read_only: bool) -> &'static Self {
        assert!(contents.len().is_multiple_of(block_size), "{} bytes are not whole blocks", contents.len());
        let medium = RefCell::new(contents.clone());
        let cached = RefCell::new(contents);
        Box::leak(Box::new(Self { block_size, is_read_only, cached, medium, fault: Cell::new(None) }))
    }

    /// What is on the disk and in its cache.
    pub fn contents(&self) -> Vec<u8> {
        self.cached.borrow().clone()
    }

    /// Puts another medium of the same length into its place.
    ///
    /// # Panics
    /// When its length is another.
    pub fn replace(&self, contents: Vec<u8>) {
        assert_eq!(contents.len(), self.cached.borrow().len());
        self.medium.replace(contents.clone());
        self.cached.replace(contents);
    }

    /// Loses what was not flushed.
    pub fn cut_power(&self) {
        self.cached.replace(self.medium.borrow().clone());
    }

    /// Has the disk answer everything that it would do with `fault`, until it is `None`.
    pub fn set_fault(&self, fault: Option<BlockError>) {
        self.fault.set(fault);
    }

    fn fault(&self) -> Result<(), BlockError> {
        self.fault.get().map_or(Ok(()), Err)
    }

    /// Where block `first` begins; asked after [`check`], so that it is on the disk.
    fn offset(&self, first: u64) -> usize {
        first as usize * self.block_size
    }
}

impl BlockDevice for &'static Disk {
    fn block_size(&self) -> usize {
        self.block_size
    }

    fn blocks(&self) -> u64 {
        (self.cached.borrow().len() / self.block_size) as u64
    }

    fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    fn read(&self, first: u64, buffer: &mut [u8]) -> Result<(), BlockError> {
        check(self, first, buffer.len())?;
        self.fault()?;
        buffer.copy_from_slice(&self.cached.borrow()[self.offset(first)..][..buffer.len()]);
        Ok(())
    }

    fn write(&self, first: u64, bytes: &[u8]) -> Result<(), BlockError> {
        if self.is_read_only {
            return Err(BlockError::ReadOnly);
        }
        check(self, first, bytes.len())?;
        self.fault()?;
        let start = self.offset(first);
        self.cached.borrow_mut()[start..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn flush(&self) -> Result<(), BlockError> {
        self.fault()?;
        self.medium.replace(self.cached.borrow().clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn what_was_not_flushed_goes_with_the_power() {
        let disk = Disk::new(512, vec![0; 1024]);
        disk.write(0, &[1; 512]).unwrap();
        disk.flush().unwrap();
        disk.write(1, &[2; 512]).unwrap();
        assert_eq!(disk.contents()[511..513], [1, 2]);
        disk.cut_power();
        assert_eq!(disk.contents()[511..513], [1, 0]);
    }

    #[test]
    fn a_fault_lasts_until_it_is_taken_away() {
        let disk = Disk::new(512, vec![7; 1024]);
        let mut block = [0; 512];
        disk.set_fault(Some(BlockError::Failed));
        assert_eq!(disk.read(0, &mut block), Err(BlockError::Failed));
        assert_eq!(disk.write(0, &block), Err(BlockError::Failed));
        assert_eq!(disk.flush(), Err(BlockError::Failed));
        disk.set_fault(None);
        assert_eq!(disk.read(0, &mut block), Ok(()));
        assert_eq!(block, [7; 512]);
    }
}
