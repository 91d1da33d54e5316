//! A file system as a volume.

use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use alloc::vec;
use core::cell::RefCell;

use iface_filesystem::{Capacity, FileSystem, Node};
use iface_vfs::{Errno, Kind, OpenFile};
use open_file::Name;

use crate::errno::errno;
use crate::file::File;
use crate::handle::Handle;
use crate::volume::{Access, Facts, Target, Volume};

/// The longest target of a link in bytes, its zero byte aside (`PATH_MAX`).
pub(crate) const LONGEST_TARGET: usize = 4095;
const NANOSECONDS: u64 = 1_000_000_000;

pub(crate) struct Stored<F> {
    files: F,
    kind_name: &'static str,
    writable: bool,
    /// Files that stand for sockets, which file systems do not tell from empty ones.
    sockets: RefCell<BTreeSet<u64>>,
}

impl<F: FileSystem> Stored<F> {
    pub fn new(files: F, kind_name: &'static str) -> Self {
        Self { files, kind_name, writable: files.is_writable(), sockets: RefCell::default() }
    }

    /// What a node is.
    fn kind_of(&self, node: u64, kind: iface_filesystem::Kind) -> Kind {
        match kind {
            iface_filesystem::Kind::File if self.sockets.borrow().contains(&node) => Kind::Socket,
            iface_filesystem::Kind::File => Kind::Regular,
            iface_filesystem::Kind::Directory => Kind::Directory,
            iface_filesystem::Kind::Link => Kind::Link,
        }
    }
}

impl<F: FileSystem> Volume for Stored<F> {
    fn kind_name(&self) -> &'static str {
        self.kind_name
    }

    fn is_writable(&self) -> bool {
        self.writable
    }

    fn is_fixed(&self) -> bool {
        !self.writable
    }

    fn root(&self) -> u64 {
        self.files.root().0
    }

    fn child(&self, directory: u64, name: &[u8]) -> Result<u64, Errno> {
        self.files.child(Node(directory), name).map(|node| node.0).map_err(errno)
    }

    fn facts(&self, node: u64) -> Result<Facts, Errno> {
        let metadata = self.files.metadata(Node(node)).map_err(errno)?;
        Ok(Facts {
            kind: self.kind_of(node, metadata.kind),
            permissions: metadata.mode,
            size: metadata.size,
            special: (0, 0),
            modified: metadata.modified.saturating_mul(NANOSECONDS),
        })
    }

    fn entry(&self, directory: u64, index: usize) -> Result<Option<Name>, Errno> {
        let entry = self.files.entry(Node(directory), index).map_err(errno)?;
        Ok(entry.map(|entry| Name {
            name: entry.name,
            inode: entry.node.0,
            kind: self.kind_of(entry.node.0, entry.kind),
        }))
    }

    fn target(&self, link: u64) -> Result<Target, Errno> {
        let size = self.files.metadata(Node(link)).map_err(errno)?.size;
        // A longer one could not have been made: it comes from a malformed image.
        let size = usize::try_from(size).ok().filter(|size| *size <= LONGEST_TARGET).ok_or(Errno::EIO)?;
        let mut target = vec![0; size];
        let read = self.files.read(Node(link), 0, &mut target).map_err(errno)?;
        target.truncate(read);
        Ok(Target::Path(target))
    }

    fn open(&self, handle: Handle, access: Access) -> Result<Rc<dyn OpenFile>, Errno> {
        Ok(File::open(handle, access))
    }

    fn read(&self, node: u64, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.files.read(Node(node), offset, buffer).map_err(errno)
    }

    fn fixed_bytes(&self, node: u64) -> Option<&'static [u8]> {
        self.files.bytes(Node(node))
    }

    fn write(&self, node: u64, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        self.files.write(Node(node), offset, bytes).map_err(errno)
    }

    fn resize(&self, node: u64, size: u64) -> Result<(), Errno> {
        self.files.resize(Node(node), size).map_err(errno)
    }

    fn create(&self, directory: u64, name: &[u8], kind: Kind, permissions: u16) -> Result<u64, Errno> {
        let stored = match kind {
            Kind::Regular | Kind::Socket => iface_filesystem::Kind::File,
            Kind::Directory => iface_filesystem::Kind::Directory,
            _ => return Err(Errno::EPERM),
        };
        let Node(node) = self.files.create(Node(directory), name, stored, permissions).map_err(errno)?;
        // The number may have been that of a socket before.
        let mut sockets = self.sockets.borrow_mut();
        if kind == Kind::Socket {
            sockets.insert(node);
        } else if !sockets.is_empty() {
            sockets.remove(&node);
        }
        Ok(node)
    }

    fn make_link(&self, directory: u64, name: &[u8], target: &[u8]) -> Result<(), Errno> {
        let directory = Node(directory);
        let link = self.files.create(directory, name, iface_filesystem::Kind::Link, 0o777).map_err(errno)?;
        self.files.write(link, 0, target).map_err(|error| {
            // A link to nowhere is of no use; that it can't be removed either says nothing new.
            if self.files.remove(directory, name).is_ok() {
                self.files.forget(link);
            }
            errno(error)
        })
    }

    fn link(&self, node: u64, (directory, name): (u64, &[u8])) -> Result<(), Errno> {
        self.files.link(Node(node), (Node(directory), name)).map_err(errno)
    }

    fn links(&self, node: u64) -> Option<u32> {
        self.files.links(Node(node))
    }

    fn remove(&self, directory: u64, name: &[u8]) -> Result<(), Errno> {
        self.files.remove(Node(directory), name).map_err(errno)
    }

    fn rename(&self, from: (u64, &[u8]), to: (u64, &[u8])) -> Result<(), Errno> {
        self.files.rename((Node(from.0), from.1), (Node(to.0), to.1)).map_err(errno)
    }

    fn forget(&self, node: u64) {
        self.files.forget(Node(node));
    }

    fn set_permissions(&self, node: u64, permissions: u16) -> Result<(), Errno> {
        self.files.set_mode(Node(node), permissions).map_err(errno)
    }

    fn set_modified(&self, node: u64, nanoseconds: u64) -> Result<(), Errno> {
        self.files.set_modified(Node(node), nanoseconds / NANOSECONDS).map_err(errno)
    }

    fn synchronize(&self) -> Result<(), Errno> {
        self.files.synchronize().map_err(errno)
    }

    fn capacity(&self) -> Option<Capacity> {
        self.files.capacity()
    }
}
