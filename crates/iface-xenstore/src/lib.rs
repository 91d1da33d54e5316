#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Display};

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Nothing has this path (`ENOENT`).
    NotFound,
    /// The domain may not (`EACCES`, `EPERM`).
    Denied,
    /// The request, with its path and value, is longer than the 4096 bytes that the store takes.
    TooLong,
    /// What the store said otherwise: the name of an error in `xs_wire.h`.
    Refused(String),
    /// The answer is not one of the protocol, or not UTF-8.
    Malformed,
    /// The store can't be reached any more: it broke the protocol.
    Broken,
}

impl Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such path in the store"),
            Self::Denied => f.write_str("the store denies access"),
            Self::TooLong => f.write_str("the request is too long for the store"),
            Self::Refused(name) => write!(f, "the store says {name}"),
            Self::Malformed => f.write_str("the store's answer is malformed"),
            Self::Broken => f.write_str("the store broke its protocol and is not used any more"),
        }
    }
}

impl core::error::Error for StoreError {}

/// Names a watch of this image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Watch(pub u32);

/// Called with the path that changed.
pub type Changed = Box<dyn Fn(&str)>;

/// Reading and changing the tree: all of it at once in a [transaction](Xenstore::transaction), step by step outside.
pub trait Tree {
    /// The value at `path`.
    ///
    /// # Errors
    /// As [`StoreError`] says.
    fn read(&self, path: &str) -> Result<String, StoreError>;

    /// The names below `path`, in no order.
    ///
    /// # Errors
    /// As [`StoreError`] says.
    fn list(&self, path: &str) -> Result<Vec<String>, StoreError>;

    /// Sets the value at `path`, and makes what is missing above it.
    ///
    /// # Errors
    /// As [`StoreError`] says.
    fn write(&self, path: &str, value: &str) -> Result<(), StoreError>;

    /// Removes `path` and everything below it. It is no error where there is nothing but a parent.
    ///
    /// # Errors
    /// As [`StoreError`] says.
    fn remove(&self, path: &str) -> Result<(), StoreError>;
}

/// The tree of settings of a Xen host (`docs/misc/xenstore.txt`).
pub trait Xenstore: Tree + Copy + 'static {
    /// Does all of `work` at once, or nothing of it. `work` is called again where somebody else changed what it read
    /// meanwhile.
    ///
    /// # Errors
    /// What `work` returned, or as [`StoreError`] says; then nothing is done.
    fn transaction(
        &self,
        work: &mut dyn FnMut(&dyn Tree) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Has `changed` called each time that something at or below `path` changed, and once at the beginning.
    ///
    /// # Errors
    /// As [`StoreError`] says.
    fn watch(&self, path: &str, changed: Changed) -> Result<Watch, StoreError>;

    /// Ends a watch.
    fn unwatch(&self, watch: Watch);
}
