use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;

use crate::{Errno, OpenFile};

/// The file that stands in a tree for a socket of Unix: two are the same where it is the same file, whatever the path.
///
/// Whoever holds this holds the file, so that no other one gets its number.
#[derive(Clone)]
pub struct SocketFile {
    /// The path that led there.
    pub path: Vec<u8>,
    /// Device and number of the file.
    number: (u64, u64),
    _held: Rc<dyn OpenFile>,
}

impl SocketFile {
    /// That file, found by `path`.
    ///
    /// # Errors
    /// As fstat(2) says.
    pub fn new(path: Vec<u8>, file: Rc<dyn OpenFile>) -> Result<Self, Errno> {
        let status = file.status()?;
        Ok(Self { path, number: (status.device, status.inode), _held: file })
    }

    /// Device and number of the file.
    pub const fn number(&self) -> (u64, u64) {
        self.number
    }
}

impl PartialEq for SocketFile {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for SocketFile {}

impl fmt::Debug for SocketFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketFile")
            .field("path", &self.path)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}
