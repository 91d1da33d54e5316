//! The names in a directory.

use alloc::vec::Vec;

use iface_filesystem::{FileError, Node};

/// Bytes of the longest name, as Linux has it (`NAME_MAX`).
const LONGEST: usize = 255;

/// Names in order, with what they name.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    names: Vec<(Vec<u8>, Node)>,
}

impl Directory {
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<Node> {
        self.place(name).ok().map(|at| self.names[at].1)
    }

    pub(crate) fn at(&self, index: usize) -> Option<(&[u8], Node)> {
        self.names.get(index).map(|(name, node)| (name.as_slice(), *node))
    }

    /// Lets `name` name `node`, whatever it named before.
    pub(crate) fn set(&mut self, name: &[u8], node: Node) {
        match self.place(name) {
            Ok(at) => self.names[at].1 = node,
            Err(at) => self.names.insert(at, (name.to_vec(), node)),
        }
    }

    pub(crate) fn remove(&mut self, name: &[u8]) {
        if let Ok(at) = self.place(name) {
            self.names.remove(at);
        }
    }

    fn place(&self, name: &[u8]) -> Result<usize, usize> {
        self.names.binary_search_by(|(other, _)| other.as_slice().cmp(name))
    }
}

/// Whether a new file may be called so.
pub(crate) fn check_name(name: &[u8]) -> Result<(), FileError> {
    let reserved = matches!(name, b"" | b"." | b"..");
    let unusable = name.iter().any(|byte| matches!(byte, b'/' | 0));
    if reserved || unusable || name.len() > LONGEST { Err(FileError::InvalidName) } else { Ok(()) }
}
