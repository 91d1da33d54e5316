#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod contents;
mod dates;
mod directory;
mod extents;
mod files;
mod item;
mod medium;
mod names;
mod sectors;
mod synchronize;
mod table;
mod tree;
mod volume;

use alloc::boxed::Box;
use core::fmt;

use hadris_fat_raw::BootError;
use iface_block_device::{BlockDevice, BlockError};
use iface_clock::Clock;
use iface_filesystem::{FileError, FileSystem};
use iface_mount::{Mount, Mounted};
use iface_scheduler::Scheduler;

use files::Fat;
use volume::Volume;

/// Settings, from `libs.fat`.
#[derive(Debug)]
pub struct Config {
    /// Where in a tree with another root it is shown.
    pub at: Option<&'static str>,
}

/// What it needs.
#[derive(Debug)]
pub struct Needs<D, C, S> {
    /// The disk that holds the file system from its first block on.
    pub block_device: D,
    /// Dates changes.
    pub clock: C,
    /// Has threads wait for each other.
    pub scheduler: S,
}

/// What it provides.
pub struct Provides<F, M> {
    /// The tree on the disk.
    pub filesystem: F,
    /// The same at its path.
    pub mount: M,
}

/// Why there is no file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitError {
    /// The disk could not be read.
    Disk(BlockError),
    /// The first sector is not that of a FAT file system.
    Boot(BootError),
    /// The file system is longer than the disk.
    TooShort {
        /// Bytes of the file system.
        volume: u64,
        /// Bytes of the disk.
        disk: u64,
    },
    /// There is no memory for the table.
    OutOfMemory {
        /// Bytes of it.
        bytes: usize,
    },
    /// The root directory is malformed.
    Root(FileError),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(error) => write!(f, "the disk could not be read: {error}"),
            Self::Boot(BootError::NotFat(_) | BootError::Signature(_)) => {
                f.write_str("the disk holds no FAT file system: make one with mkfs.fat")
            }
            Self::Boot(BootError::Corrupt(what)) => write!(f, "the FAT file system is malformed: {what}"),
            Self::Boot(_) => f.write_str("the FAT file system is malformed: its root is outside of it"),
            Self::TooShort { volume, disk } => {
                write!(f, "the FAT file system has {volume} bytes, and the disk {disk}: was it cut?")
            }
            Self::OutOfMemory { bytes } => write!(
                f,
                "no memory for the {bytes} bytes of the FAT: give the image more, or make the file system with larger \
                 clusters (mkfs.fat -s)"
            ),
            Self::Root(error) => write!(f, "the root directory of the FAT file system: {error}"),
        }
    }
}

impl core::error::Error for InitError {}

impl From<BlockError> for InitError {
    fn from(error: BlockError) -> Self {
        Self::Disk(error)
    }
}

/// Reads the boot sector, the table and the root directory.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<D: BlockDevice, C: Clock, S: Scheduler>(
    config: &'static Config,
    needs: Needs<D, C, S>,
) -> Result<Provides<impl FileSystem, impl Mount>, InitError> {
    let volume = Volume::new(needs.block_device)?;
    let filesystem: &'static Fat<D, C, S> =
        Box::leak(Box::new(Fat::new(volume, needs.clock, needs.scheduler)));
    Ok(Provides { filesystem, mount: Mounted::new(filesystem, "vfat", config.at) })
}

#[cfg(test)]
mod tests;
