#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod assembly;
mod descriptors;
mod dev;
mod device;
mod errno;
mod etc;
mod file;
mod handle;
mod held;
mod known;
mod listing;
mod memo;
mod memory;
mod names;
mod opening;
mod own;
mod proc;
mod special;
mod start;
mod stored;
mod terminal;
mod text;
mod tree;
mod vfs;
mod volume;
mod walk;

#[cfg(test)]
mod tests;

use core::fmt;

use iface_mount::Mount;
use iface_vfs::{Errno, Vfs};

pub use start::init;

/// Settings, from `libs.vfs`.
#[derive(Debug)]
pub struct Config {
    /// Absolute paths of directories in memory that can be written.
    pub writable: &'static [&'static str],
    /// Most memory that all of them may take, in MiB.
    pub writable_mib: u32,
    /// Addresses of name servers.
    pub name_servers: &'static [&'static str],
}

/// What it needs.
pub struct Needs<A: 'static, C, O, E, F, P, S> {
    /// How much memory there is.
    pub allocator: &'static A,
    /// Dates changes.
    pub clock: C,
    /// The terminal.
    pub console: O,
    /// Random bytes.
    pub entropy: E,
    /// The root.
    pub filesystem: F,
    /// Further file systems.
    pub mount: &'static [&'static dyn Mount],
    /// The name of the host, and name servers.
    pub platform: P,
    /// Looks at the console while somebody waits for it.
    pub scheduler: S,
}

/// What it provides.
#[derive(Debug)]
pub struct Provides<V: Vfs> {
    /// The tree.
    pub vfs: V,
}

/// Why it did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitError {
    /// This path, where something is to be mounted, is not absolute, or has empty names or dots.
    BadPath(&'static str),
    /// There is a file at this path, or in it.
    NotADirectory(&'static str),
    /// Several file systems are to be mounted at this path.
    Twice(&'static str),
    /// The directory for this path could not be made.
    Mount(&'static str, Errno),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadPath(path) => write!(
                f,
                "nothing can be mounted at `{path}`: name a directory by an absolute path without `.` and `..`"
            ),
            Self::NotADirectory(path) => write!(
                f,
                "nothing can be mounted at `{path}`: the root has a file there; mount it elsewhere, or rename that file"
            ),
            Self::Twice(path) => {
                write!(
                    f,
                    "several file systems are to be mounted at `{path}`: set option `at` of all but one to another"
                )
            }
            Self::Mount(path, errno) => write!(f, "nothing can be mounted at `{path}`: {errno}"),
        }
    }
}

impl core::error::Error for InitError {}
