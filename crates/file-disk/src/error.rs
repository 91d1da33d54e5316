//! Why there is no disk.

use alloc::string::String;
use core::fmt;

use rustix::io::Errno;

/// Why a file is not a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitError {
    /// The command line names none.
    NoDisk,
    /// The file cannot be opened, or says nothing of itself.
    Open(String, Errno),
    /// It is neither a file nor a block device.
    Kind(String),
    /// Another process has it for writing.
    InUse(String),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDisk => {
                f.write_str("no disk was given: name a file with run --disk FILE, or as disk=FILE")
            }
            Self::Open(path, errno) => write!(f, "the disk {path} cannot be opened ({errno})"),
            Self::Kind(path) => write!(f, "{path} cannot be a disk: it is neither a file nor a block device"),
            Self::InUse(path) => write!(f, "the disk {path} is in use by another process"),
        }
    }
}

impl core::error::Error for InitError {}
