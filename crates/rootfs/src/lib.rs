#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod archive;
mod error;
mod tree;

use alloc::boxed::Box;
use core::fmt;

use iface_filesystem::FileSystem;
use iface_platform::Platform;

pub use error::{Fault, ImageError};
use tree::Tree;

/// Settings, from `libs.rootfs`.
#[derive(Debug)]
pub struct Config {
    /// The packed tree, a newc archive.
    pub tree: Option<&'static [u8]>,
}

/// What it needs.
#[derive(Debug)]
pub struct Needs<P> {
    /// Has the initrd.
    pub platform: P,
}

/// What it provides.
#[derive(Debug)]
pub struct Provides<F> {
    /// The tree.
    pub filesystem: F,
}

/// Why it did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitError {
    /// Neither an initrd nor a packed tree.
    Missing,
    /// The initrd is malformed.
    Initrd(ImageError),
    /// The packed tree is malformed.
    Tree(ImageError),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str(
                "there is no root image: set `libs.rootfs.tree`, or start the image with an initrd",
            ),
            Self::Initrd(error) => write!(f, "initrd: {error}"),
            Self::Tree(error) => write!(f, "packed tree: {error}"),
        }
    }
}

impl core::error::Error for InitError {}

/// Checks the archive and makes an index of it.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<P: Platform>(
    config: &'static Config,
    needs: Needs<P>,
) -> Result<Provides<impl FileSystem + fmt::Debug>, InitError> {
    let tree = match (needs.platform.initrd(), config.tree) {
        (Some(image), _) => Tree::new(image).map_err(InitError::Initrd)?,
        (None, Some(image)) => Tree::new(image).map_err(InitError::Tree)?,
        (None, None) => return Err(InitError::Missing),
    };
    log::debug!("{} files and directories", tree.nodes());
    let filesystem: &'static Tree = Box::leak(Box::new(tree));
    Ok(Provides { filesystem })
}

#[cfg(test)]
mod tests;
