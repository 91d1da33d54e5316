#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod disk;
mod error;
mod open;

use alloc::boxed::Box;

use iface_block_device::BlockDevice;
use iface_platform::Platform;

use disk::Disk;

pub use error::InitError;

/// Settings, from `libs.file-disk`.
#[derive(Debug)]
pub struct Config {
    /// Bytes of a block.
    pub block_size: u16,
}

/// What it needs.
#[derive(Debug)]
pub struct Needs<P> {
    /// Has the setting `disk=`.
    pub platform: P,
}

/// What it provides.
#[derive(Debug)]
pub struct Provides<D> {
    /// The file.
    pub block_device: D,
}

/// Opens the file.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<P: Platform>(
    config: &'static Config,
    needs: Needs<P>,
) -> Result<Provides<impl BlockDevice>, InitError> {
    let path = needs.platform.command_line().setting("disk").ok_or(InitError::NoDisk)?;
    let disk: &'static Disk = Box::leak(Box::new(open::open(path, config.block_size.into())?));
    let (blocks, size) = (disk.blocks(), disk.block_size());
    log::info!(
        "{path}: {blocks} blocks of {size} bytes{}",
        if disk.is_read_only() { ", read-only" } else { "" }
    );
    Ok(Provides { block_device: disk })
}
