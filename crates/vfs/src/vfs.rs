//! The interface, on a tree.

use alloc::rc::Rc;
use alloc::vec::Vec;

use iface_vfs::{Errno, Kind, OpenFile, OpenOptions, Place, Process, Status, Vfs};

use crate::descriptors::ProcessCell;
use crate::handle::handle_of;
use crate::tree::Tree;

/// The tree.
#[derive(Clone, Copy)]
pub(crate) struct Files {
    tree: &'static Tree,
    process: &'static ProcessCell,
}

impl Files {
    pub fn new(tree: &'static Tree, process: ProcessCell) -> Self {
        Self { tree, process: alloc::boxed::Box::leak(alloc::boxed::Box::new(process)) }
    }
}

impl Vfs for Files {
    fn root(&self) -> Place {
        self.tree.root()
    }

    fn open(&self, base: Place, path: &[u8], options: OpenOptions) -> Result<Rc<dyn OpenFile>, Errno> {
        self.tree.open(base, path, options)
    }

    fn find(&self, base: Place, path: &[u8], follow: bool) -> Result<Place, Errno> {
        self.tree.find(base, path, follow)
    }

    fn path(&self, place: Place) -> Result<Vec<u8>, Errno> {
        self.tree.path(place)
    }

    fn place(&self, file: &dyn OpenFile) -> Option<Place> {
        handle_of(file).map(|handle| handle.place)
    }

    fn status(&self, place: Place) -> Result<Status, Errno> {
        self.tree.status(place)
    }

    fn make_directory(&self, base: Place, path: &[u8], permissions: u16) -> Result<(), Errno> {
        self.tree.make_directory(base, path, permissions)
    }

    fn make_socket(&self, base: Place, path: &[u8], permissions: u16) -> Result<Rc<dyn OpenFile>, Errno> {
        self.tree.make_socket(base, path, permissions)
    }

    fn make_link(&self, target: &[u8], base: Place, path: &[u8]) -> Result<(), Errno> {
        self.tree.make_link(target, base, path)
    }

    fn read_link(&self, base: Place, path: &[u8]) -> Result<Vec<u8>, Errno> {
        let link = self.tree.find(base, path, false)?;
        match self.tree.kind(link)? {
            Kind::Link => self.tree.target_text(link),
            _ => Err(Errno::EINVAL),
        }
    }

    fn link(&self, from: Place, base: Place, path: &[u8]) -> Result<(), Errno> {
        self.tree.link(from, base, path)
    }

    fn remove(&self, base: Place, path: &[u8], directory: bool) -> Result<(), Errno> {
        self.tree.remove(base, path, directory)
    }

    fn rename(&self, from: (Place, &[u8]), to: (Place, &[u8])) -> Result<(), Errno> {
        self.tree.rename(from, to)
    }

    fn set_permissions(&self, place: Place, permissions: u16) -> Result<(), Errno> {
        self.tree.volume(place)?.set_permissions(place.node, permissions)
    }

    fn set_modified(&self, place: Place, nanoseconds: u64) -> Result<(), Errno> {
        self.tree.volume(place)?.set_modified(place.node, nanoseconds)
    }

    fn is_writable(&self, place: Place) -> Result<bool, Errno> {
        let volume = self.tree.volume(place)?;
        Ok(volume.is_writable() || !matches!(volume.facts(place.node)?.kind, Kind::Regular | Kind::Directory))
    }

    fn synchronize(&self) -> Result<(), Errno> {
        self.tree.synchronize()
    }

    fn set_process(&self, process: &'static dyn Process) {
        self.process.set(Some(process));
    }

    fn capacity(&self, place: Place) -> Result<(u64, u64, u64), Errno> {
        self.tree.capacity(place)
    }
}
