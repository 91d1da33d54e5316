//! How much memory the tree takes, and may take.

use iface_filesystem::{Capacity, FileError};

/// Bytes, counted by what they are taken for.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    used: u64,
}

impl Budget {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, used: 0 }
    }

    /// Takes `bytes`, or nothing where they are too many.
    pub(crate) fn take(&mut self, bytes: u64) -> Result<(), FileError> {
        if bytes > self.limit - self.used {
            return Err(FileError::NoSpace);
        }
        self.used += bytes;
        Ok(())
    }

    /// Gives back what [`take`](Budget::take) took.
    pub(crate) fn give(&mut self, bytes: u64) {
        self.used -= bytes;
    }

    pub(crate) fn capacity(&self) -> Capacity {
        Capacity { total: self.limit, free: self.limit - self.used }
    }

    #[cfg(test)]
    pub(crate) fn used(&self) -> u64 {
        self.used
    }
}
