//! Making, removing and moving names.

use alloc::rc::Rc;
use alloc::vec::Vec;

use iface_vfs::{Errno, Kind, OpenFile, Place};

use crate::handle::Handle;
use crate::held::Held;
use crate::tree::Tree;
use crate::walk::{Last, Walk};

/// A name in a directory.
struct Entry {
    directory: Place,
    name: Vec<u8>,
    /// A slash follows it.
    has_slash: bool,
}

impl Tree {
    /// The last name of a path, whatever it names; `dots` where it is none.
    fn entry(&self, base: Place, path: &[u8], dots: impl Fn(Last) -> Errno) -> Result<Entry, Errno> {
        let mut walk = Walk::new(self, base, path)?;
        match walk.last()? {
            Last::Name(name) => Ok(Entry {
                directory: walk.place,
                name: walk.text(&name).to_vec(),
                has_slash: walk.has_slash(),
            }),
            last => Err(dots(last)),
        }
    }

    /// A name that is free, in a directory that can be changed.
    fn free_entry(&self, base: Place, path: &[u8], is_directory: bool) -> Result<Entry, Errno> {
        let entry = self.entry(base, path, |_| Errno::EEXIST)?;
        match self.step(entry.directory, &entry.name) {
            Ok(_) => Err(Errno::EEXIST),
            Err(Errno::ENOENT) if entry.has_slash && !is_directory => Err(Errno::ENOENT),
            Err(Errno::ENOENT) => self.check_writable(entry.directory).map(|()| entry),
            Err(errno) => Err(errno),
        }
    }

    fn check_writable(&self, directory: Place) -> Result<(), Errno> {
        if self.volume(directory)?.is_writable() { Ok(()) } else { Err(Errno::EROFS) }
    }

    /// mkdir(2).
    pub fn make_directory(&self, base: Place, path: &[u8], permissions: u16) -> Result<(), Errno> {
        let Entry { directory, name, .. } = self.free_entry(base, path, true)?;
        self.volume(directory)?.create(directory.node, &name, Kind::Directory, permissions).map(drop)
    }

    /// bind(2) of a socket to a path.
    pub fn make_socket(
        &'static self,
        base: Place,
        path: &[u8],
        permissions: u16,
    ) -> Result<Rc<dyn OpenFile>, Errno> {
        let Entry { directory, name, .. } = self.free_entry(base, path, false)?;
        let node = self.volume(directory)?.create(directory.node, &name, Kind::Socket, permissions)?;
        let place = Place { mount: directory.mount, node };
        Handle::new(self, place, (directory, &name), false).map(Held::open)
    }

    /// symlink(2).
    pub fn make_link(&self, target: &[u8], base: Place, path: &[u8]) -> Result<(), Errno> {
        if target.is_empty() {
            return Err(Errno::ENOENT);
        }
        if target.len() > crate::stored::LONGEST_TARGET {
            return Err(Errno::ENAMETOOLONG);
        }
        let Entry { directory, name, .. } = self.free_entry(base, path, false)?;
        self.volume(directory)?.make_link(directory.node, &name, target)
    }

    /// link(2), for what was found under the old name.
    pub fn link(&self, from: Place, base: Place, path: &[u8]) -> Result<(), Errno> {
        let Entry { directory, name, .. } = self.free_entry(base, path, false)?;
        if directory.mount != from.mount {
            return Err(Errno::EXDEV);
        }
        if self.kind(from)? == Kind::Directory {
            return Err(Errno::EPERM);
        }
        self.volume(directory)?.link(from.node, (directory.node, &name))
    }

    /// unlink(2), and for a directory rmdir(2).
    pub fn remove(&self, base: Place, path: &[u8], is_directory: bool) -> Result<(), Errno> {
        let Entry { directory, name, has_slash } = self.entry(base, path, |last| match last {
            _ if !is_directory => Errno::EISDIR,
            Last::Above => Errno::ENOTEMPTY,
            Last::Here => Errno::EINVAL,
            Last::Root | Last::Name(_) => Errno::EBUSY,
        })?;
        self.check_writable(directory)?;
        let found = self.step(directory, &name)?;
        match (self.kind(found)? == Kind::Directory, is_directory) {
            (true, false) => return Err(Errno::EISDIR),
            (false, true) => return Err(Errno::ENOTDIR),
            (false, false) if has_slash => return Err(Errno::ENOTDIR),
            _ => {}
        }
        if self.is_attached(directory, &name) {
            return Err(Errno::EBUSY);
        }
        if self.holds_attached(found) {
            return Err(Errno::ENOTEMPTY);
        }
        self.volume(directory)?.remove(directory.node, &name)?;
        self.removed(found, (directory, &name));
        Ok(())
    }

    /// rename(2).
    pub fn rename(&self, from: (Place, &[u8]), to: (Place, &[u8])) -> Result<(), Errno> {
        let mut old = Walk::new(self, from.0, from.1)?;
        let old_last = old.last()?;
        let mut new = Walk::new(self, to.0, to.1)?;
        let new_last = new.last()?;
        // That both are on one file system is checked before what the last names are.
        if old.place.mount != new.place.mount {
            return Err(Errno::EXDEV);
        }
        let (Last::Name(old_name), Last::Name(new_name)) = (old_last, new_last) else {
            return Err(Errno::EBUSY);
        };
        self.check_writable(old.place)?;
        let (old_name, new_name) = (old.text(&old_name), new.text(&new_name));
        let moved = self.step(old.place, old_name)?;
        let replaced = match self.step(new.place, new_name) {
            Err(Errno::ENOENT) => None,
            found => Some(found?),
        };
        let is_directory = self.kind(moved)? == Kind::Directory;
        if !is_directory && (old.has_slash() || new.has_slash()) {
            return Err(Errno::ENOTDIR);
        }
        if is_directory && self.is_below(new.place, moved) {
            return Err(Errno::EINVAL);
        }
        if replaced.is_some_and(|replaced| self.is_below(old.place, replaced)) {
            return Err(Errno::ENOTEMPTY);
        }
        if replaced == Some(moved) {
            return Ok(());
        }
        let replaced = self.check_replaced(is_directory, replaced, (new.place, new_name))?;
        if self.is_attached(old.place, old_name) {
            return Err(Errno::EBUSY);
        }
        let volume = self.volume(old.place)?;
        if is_directory && let Some(replaced) = replaced {
            // A file system replaces files alone.
            volume.remove(new.place.node, new_name)?;
            self.removed(replaced, (new.place, new_name));
        }
        volume.rename((old.place.node, old_name), (new.place.node, new_name))?;
        self.known.moved(moved, (old.place, old_name), (new.place, new_name));
        if let Some(replaced) = replaced.filter(|_| !is_directory) {
            self.removed(replaced, (new.place, new_name));
        }
        Ok(())
    }

    /// What is replaced in the volume itself, if that may be.
    fn check_replaced(
        &self,
        by_directory: bool,
        replaced: Option<Place>,
        (directory, name): (Place, &[u8]),
    ) -> Result<Option<Place>, Errno> {
        let Some(replaced) = replaced else { return Ok(None) };
        match (by_directory, self.kind(replaced)? == Kind::Directory) {
            (true, false) => Err(Errno::ENOTDIR),
            (false, true) => Err(Errno::EISDIR),
            (_, true) if self.holds_attached(replaced) => Err(Errno::ENOTEMPTY),
            _ if self.is_attached(directory, name) => Err(Errno::EBUSY),
            _ => Ok(Some(replaced)),
        }
    }
}
