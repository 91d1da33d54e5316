#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod budget;
mod data;
mod directory;
mod ramfs;

use alloc::boxed::Box;
use core::convert::Infallible;

use iface_clock::Clock;
use iface_filesystem::FileSystem;

use ramfs::RamFs;

/// Settings, from `libs.ramfs`.
#[derive(Debug)]
pub struct Config {
    /// Most memory that the tree may take, in MiB.
    pub max_mib: u32,
}

/// What it needs.
#[derive(Debug)]
pub struct Needs<C> {
    /// Dates changes.
    pub clock: C,
}

/// What it provides.
#[derive(Debug)]
pub struct Provides<F> {
    /// The tree.
    pub filesystem: F,
}

/// Makes an empty tree.
///
/// # Errors
/// None.
pub fn init<C: Clock>(
    config: &'static Config,
    needs: Needs<C>,
) -> Result<Provides<impl FileSystem>, Infallible> {
    let filesystem: &'static RamFs<C> = Box::leak(Box::new(RamFs::new(config, needs.clock)));
    Ok(Provides { filesystem })
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
