//! Places held by open files.

use core::any::Any;

use alloc::rc::Rc;
use alloc::vec::Vec;

use iface_vfs::{Errno, OpenFile, Place, Status};

use crate::device::Device;
use crate::file::File;
use crate::held::Held;
use crate::listing::Listing;
use crate::text::Text;
use crate::tree::Tree;
use crate::volume::Volume;

/// Holds a place of the tree for an open file: it can be removed, and is there until this is dropped.
pub(crate) struct Handle {
    pub tree: &'static Tree,
    pub place: Place,
    /// The directory in which it was found.
    pub parent: Place,
    is_directory: bool,
    /// Whether it can lose its name, or get another.
    tracked: bool,
}

impl Handle {
    /// Holds what was found in the directory `parent` by `name`, which is empty for what was not found by its name.
    pub fn new(
        tree: &'static Tree,
        place: Place,
        (parent, name): (Place, &[u8]),
        is_directory: bool,
    ) -> Result<Self, Errno> {
        // Files of what never changes are opened often, and need no notes.
        let mut tracked = is_directory || tree.volume(place)?.is_writable();
        if tracked {
            if !name.is_empty() {
                tree.known.add(place, parent, name);
            }
            tracked = tree.known.hold(place);
        }
        Ok(Self { tree, place, parent, is_directory, tracked })
    }

    pub fn volume(&self) -> &'static Rc<dyn Volume> {
        self.tree.mounted(self.place)
    }

    pub const fn is_directory(&self) -> bool {
        self.is_directory
    }

    pub fn status(&self) -> Result<Status, Errno> {
        self.tree.status(self.place)
    }

    /// The path under which it is open, `(deleted)` behind it where that is none any more, as `/proc/self/fd` tells it.
    pub fn path(&self) -> Result<Vec<u8>, Errno> {
        if self.tracked || self.place == self.tree.root() {
            self.tree.path_of_held(self.place)
        } else {
            self.tree.path_in(self.parent, self.place)
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.tracked && self.tree.known.release(self.place, self.is_directory) {
            self.volume().forget(self.place.node);
        }
    }
}

/// What an open file of the tree holds; `None` for one of another tree, or none.
pub(crate) fn handle_of(file: &dyn OpenFile) -> Option<&Handle> {
    let file: &dyn Any = file;
    if let Some(file) = file.downcast_ref::<File>() {
        Some(&file.handle)
    } else if let Some(listing) = file.downcast_ref::<Listing>() {
        Some(&listing.handle)
    } else if let Some(device) = file.downcast_ref::<Device>() {
        Some(&device.handle)
    } else if let Some(held) = file.downcast_ref::<Held>() {
        Some(&held.handle)
    } else {
        file.downcast_ref::<Text>().map(|text| &text.handle)
    }
}
