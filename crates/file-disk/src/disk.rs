//! The file as blocks.

use iface_block_device::{BlockDevice, BlockError, check};
use rustix::{
    fd::OwnedFd,
    fs::fdatasync,
    io::{Errno, pread, pwrite, retry_on_intr},
};

/// A file, as long as it was when it was opened.
#[derive(Debug)]
pub(crate) struct Disk {
    file: OwnedFd,
    blocks: u64,
    block_size: usize,
    is_read_only: bool,
}

impl Disk {
    pub(crate) fn new(file: OwnedFd, length: u64, block_size: usize, is_read_only: bool) -> Self {
        Self { file, blocks: length / block_size as u64, block_size, is_read_only }
    }

    /// Where block `first` begins; asked after [`check`], so that it is in the file.
    fn offset(&self, first: u64) -> u64 {
        first * self.block_size as u64
    }
}

impl BlockDevice for &'static Disk {
    fn block_size(&self) -> usize {
        self.block_size
    }

    fn blocks(&self) -> u64 {
        self.blocks
    }

    fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    fn read(&self, first: u64, mut buffer: &mut [u8]) -> Result<(), BlockError> {
        check(self, first, buffer.len())?;
        let mut offset = self.offset(first);
        while !buffer.is_empty() {
            let count = some(retry_on_intr(|| pread(&self.file, &mut *buffer, offset)))?;
            buffer = &mut buffer[count..];
            offset += count as u64;
        }
        Ok(())
    }

    fn write(&self, first: u64, mut bytes: &[u8]) -> Result<(), BlockError> {
        if self.is_read_only {
            return Err(BlockError::ReadOnly);
        }
        check(self, first, bytes.len())?;
        let mut offset = self.offset(first);
        while !bytes.is_empty() {
            let count = some(retry_on_intr(|| pwrite(&self.file, bytes, offset)))?;
            bytes = &bytes[count..];
            offset += count as u64;
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), BlockError> {
        if self.is_read_only {
            return Ok(());
        }
        retry_on_intr(|| fdatasync(&self.file)).map_err(|_| BlockError::Failed)
    }
}

/// How many bytes the kernel moved; none at all is the end of a file that became shorter.
fn some(moved: Result<usize, Errno>) -> Result<usize, BlockError> {
    match moved {
        Ok(count @ 1..) => Ok(count),
        Ok(0) | Err(_) => Err(BlockError::Failed),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::{boxed::Box, vec, vec::Vec};

    use iface_block_device::conformance;
    use rustix::fs::{Mode, OFlags, ftruncate, open};

    use super::*;

    /// A file without a name that holds `contents`.
    fn file(contents: &[u8]) -> OwnedFd {
        let directory = std::env::temp_dir();
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = open(directory.to_str().unwrap(), flags, Mode::RUSR).unwrap();
        assert_eq!(pwrite(&file, contents, 0), Ok(contents.len()));
        file
    }

    fn disk(file: &OwnedFd, block_size: usize, is_read_only: bool) -> &'static Disk {
        let length = rustix::fs::fstat(file).unwrap().st_size as u64;
        let file = file.try_clone().unwrap();
        Box::leak(Box::new(Disk::new(file, length, block_size, is_read_only)))
    }

    fn pattern(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|index| (index / 512 * 7 + index) as u8).collect()
    }

    #[test]
    fn it_is_as_a_disk_has_to_be() {
        for block_size in [512, 4096] {
            let file = file(&pattern(1 << 20));
            conformance::readable(disk(&file, block_size, true));
            conformance::read_only(disk(&file, block_size, true));
            conformance::writable(disk(&file, block_size, false), 5, 300);
            conformance::readable(disk(&file, block_size, false));
        }
    }

    #[test]
    fn what_is_behind_the_last_whole_block_is_left_alone() {
        let file = file(&pattern(1300));
        let disk = disk(&file, 512, false);
        assert_eq!(disk.blocks(), 2);
        assert_eq!(disk.write(0, &[9; 1024]), Ok(()));
        let mut found = vec![0; 276];
        pread(&file, &mut *found, 1024).unwrap();
        assert_eq!(found, pattern(1300)[1024..]);
    }

    #[test]
    fn a_file_that_became_shorter_fails() {
        let file = file(&pattern(4096));
        let disk = disk(&file, 512, false);
        ftruncate(&file, 1000).unwrap();
        assert_eq!(disk.read(0, &mut [0; 512]), Ok(()));
        assert_eq!(disk.read(0, &mut [0; 1024]), Err(BlockError::Failed));
        assert_eq!(disk.read(7, &mut [0; 512]), Err(BlockError::Failed));
    }
}
