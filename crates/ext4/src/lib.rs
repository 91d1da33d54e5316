#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod disk;
mod files;
mod nodes;
mod superblock;
mod volume;

use alloc::boxed::Box;
use core::fmt;

use ext4_view::Ext4Error;
use iface_block_device::{BlockDevice, BlockError};
use iface_filesystem::FileSystem;
use iface_scheduler::Scheduler;

pub use superblock::Fault;
use volume::Volume;

/// There is nothing to set.
#[derive(Debug)]
pub struct Config {}

/// What it needs.
#[derive(Debug)]
pub struct Needs<D, S> {
    /// The disk that holds the file system from its first block on.
    pub block_device: D,
    /// Has threads wait for each other.
    pub scheduler: S,
}

/// What it provides.
#[derive(Debug)]
pub struct Provides<F> {
    /// The tree on the disk.
    pub filesystem: F,
}

/// Why there is no file system.
#[derive(Debug)]
pub enum InitError {
    /// The superblock could not be read.
    Disk(BlockError),
    /// The superblock is not one of ext2, ext3 or ext4, or not of one on this disk.
    Superblock(Fault),
    /// What the superblock leads to is malformed, or of a kind that is not supported.
    Volume(Ext4Error),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(error) => write!(f, "the superblock could not be read: {error}"),
            Self::Superblock(fault) => fault.fmt(f),
            Self::Volume(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for InitError {}

impl From<BlockError> for InitError {
    fn from(error: BlockError) -> Self {
        Self::Disk(error)
    }
}

impl From<Fault> for InitError {
    fn from(fault: Fault) -> Self {
        Self::Superblock(fault)
    }
}

impl From<Ext4Error> for InitError {
    fn from(error: Ext4Error) -> Self {
        Self::Volume(error)
    }
}

/// Checks the superblock, and what it leads to as far as the root directory.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<D: BlockDevice, S: Scheduler>(
    _config: &'static Config,
    needs: Needs<D, S>,
) -> Result<Provides<impl FileSystem>, InitError> {
    let volume = Volume::new(needs.block_device, needs.scheduler)?;
    let filesystem: &'static Volume<S> = Box::leak(Box::new(volume));
    Ok(Provides { filesystem })
}

#[cfg(test)]
mod tests;
