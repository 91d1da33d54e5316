//! What can be mounted: a file system, or a tree of special files.

use alloc::rc::Rc;
use alloc::vec::Vec;

use iface_filesystem::Capacity;
use iface_vfs::{Errno, Kind, OpenFile, Place};
use open_file::Name;

use crate::handle::Handle;

/// What is known of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub kind: Kind,
    /// The low 12 bits of `st_mode`.
    pub permissions: u16,
    /// Bytes.
    pub size: u64,
    /// Major and minor number of a device.
    pub special: (u32, u32),
    /// Last change, in nanoseconds since 1970-01-01 00:00 UTC.
    pub modified: u64,
}

/// What an open file may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub read: bool,
    pub write: bool,
}

/// Where a link leads.
pub(crate) enum Target {
    /// To what this path names from the link's directory.
    Path(Vec<u8>),
    /// To a place of the tree.
    Place(Place),
    /// To an open file, whatever its name; where it is not of the tree, this node of the link's volume stands for it.
    File(Rc<dyn OpenFile>, u64),
}

/// A tree that can be mounted. Nodes are its own numbers.
///
/// What changes something has a body here that answers as a tree that cannot be changed.
pub(crate) trait Volume {
    /// What `/proc/mounts` calls it.
    fn kind_name(&self) -> &'static str;

    fn is_writable(&self) -> bool {
        false
    }

    /// Whether what it has is the same for ever.
    fn is_fixed(&self) -> bool {
        false
    }

    fn root(&self) -> u64;

    /// What `name` names in a directory.
    fn child(&self, directory: u64, name: &[u8]) -> Result<u64, Errno>;

    fn facts(&self, node: u64) -> Result<Facts, Errno>;

    /// The name at position `index` of a directory; `None` after the last.
    fn entry(&self, directory: u64, index: usize) -> Result<Option<Name>, Errno>;

    fn target(&self, link: u64) -> Result<Target, Errno>;

    /// Opens what is neither a directory nor a link, and is at the place that `handle` holds.
    fn open(&self, handle: Handle, access: Access) -> Result<Rc<dyn OpenFile>, Errno>;

    fn read(&self, node: u64, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        let _ = (node, offset, buffer);
        Err(Errno::EINVAL)
    }

    /// All of a file that never changes.
    fn fixed_bytes(&self, node: u64) -> Option<&'static [u8]> {
        let _ = node;
        None
    }

    fn write(&self, node: u64, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        let _ = (node, offset, bytes);
        Err(Errno::EROFS)
    }

    fn resize(&self, node: u64, size: u64) -> Result<(), Errno> {
        let _ = (node, size);
        Err(Errno::EROFS)
    }

    /// Makes an empty file or directory.
    fn create(&self, directory: u64, name: &[u8], kind: Kind, permissions: u16) -> Result<u64, Errno> {
        let _ = (directory, name, kind, permissions);
        Err(Errno::EROFS)
    }

    fn make_link(&self, directory: u64, name: &[u8], target: &[u8]) -> Result<(), Errno> {
        let _ = (directory, name, target);
        Err(Errno::EROFS)
    }

    /// Gives a file a further name.
    fn link(&self, node: u64, to: (u64, &[u8])) -> Result<(), Errno> {
        let _ = (node, to);
        Err(Errno::EROFS)
    }

    /// How many names a file has, where that is counted.
    fn links(&self, node: u64) -> Option<u32> {
        let _ = node;
        None
    }

    fn remove(&self, directory: u64, name: &[u8]) -> Result<(), Errno> {
        let _ = (directory, name);
        Err(Errno::EROFS)
    }

    fn rename(&self, from: (u64, &[u8]), to: (u64, &[u8])) -> Result<(), Errno> {
        let _ = (from, to);
        Err(Errno::EROFS)
    }

    /// A node is in use no longer; nothing happens to one that still has a name.
    fn forget(&self, node: u64) {
        let _ = node;
    }

    fn set_permissions(&self, node: u64, permissions: u16) -> Result<(), Errno> {
        let _ = (node, permissions);
        Err(Errno::EROFS)
    }

    fn set_modified(&self, node: u64, nanoseconds: u64) -> Result<(), Errno> {
        let _ = (node, nanoseconds);
        Err(Errno::EROFS)
    }

    fn synchronize(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn capacity(&self) -> Option<Capacity> {
        None
    }
}
