#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

use alloc::boxed::Box;
use core::fmt;

use iface_filesystem::{AnyFileSystem, FileSystem};

/// A file system, and the path at which a tree shows it.
pub trait Mount {
    /// An absolute path without `.` and `..`, which names a directory other than the root; `None` for a file system that is
    /// shown nowhere.
    fn path(&self) -> Option<&'static str>;

    /// What Linux calls its type (proc_filesystems(5)), such as `vfat`.
    fn kind(&self) -> &'static str;

    /// The file system.
    fn files(&self) -> &'static dyn AnyFileSystem;
}

/// A file system at a path.
#[derive(Clone, Copy)]
pub struct Mounted {
    files: &'static dyn AnyFileSystem,
    kind: &'static str,
    path: Option<&'static str>,
}

impl Mounted {
    /// A file system of this type at `path`, for as long as the image runs.
    pub fn new<F: FileSystem>(files: F, kind: &'static str, path: Option<&'static str>) -> Self {
        Self { files: Box::leak(Box::new(files)), kind, path }
    }
}

impl Mount for Mounted {
    fn path(&self) -> Option<&'static str> {
        self.path
    }

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn files(&self) -> &'static dyn AnyFileSystem {
        self.files
    }
}

impl fmt::Debug for Mounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:?}", self.kind, self.path)
    }
}
