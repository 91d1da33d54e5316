//! How the tree is put together at the start.

use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;

use iface_vfs::{Errno, Kind, Place};

use crate::InitError;
use crate::special::Special;
use crate::tree::Tree;
use crate::volume::Volume;

/// Permissions of a directory that is made to mount something in.
const PERMISSIONS: u16 = 0o755;

/// A tree while volumes are mounted.
pub(crate) struct Assembly {
    tree: Tree,
    /// Directories that something is mounted in and the root lacks.
    missing: Rc<Special>,
    /// Where those are shown.
    at: Place,
    /// `/proc/mounts`.
    lines: Vec<u8>,
}

impl Assembly {
    pub fn new(root: Rc<dyn Volume>, made: u64) -> Self {
        let lines = line(&*root, "/");
        let mut tree = Tree::new(root);
        let missing = Rc::new(Special::new("rootfs", made));
        let at = tree.mount(missing.clone(), missing.root());
        Self { tree, missing, at, lines }
    }

    /// Shows the directory `root` of a volume at an absolute path. Directories above that are not there are made.
    pub fn mount(&mut self, path: &'static str, volume: Rc<dyn Volume>, root: u64) -> Result<(), InitError> {
        let (parent, name) = self.mount_point(path)?;
        self.lines.extend(line(&*volume, path));
        let place = self.tree.mount(volume, root);
        self.tree.attach(parent, &name, place);
        Ok(())
    }

    /// Where a path leads, as the directory in which something is mounted and its name there. As on Linux links are followed
    /// (`/var/run` often is one); one that leads nowhere is hidden.
    fn mount_point(&mut self, path: &'static str) -> Result<(Place, Vec<u8>), InitError> {
        let (parent, name) = self.parent(path)?;
        match self.tree.find(parent, name, true) {
            Err(Errno::ENOENT) => Ok((parent, name.into())),
            Err(errno) => Err(InitError::Mount(path, errno)),
            Ok(found) if self.tree.kind(found) != Ok(Kind::Directory) => Err(InitError::NotADirectory(path)),
            // The root alone has no name.
            Ok(found) => {
                let entry = self.tree.known.with(found, |parent, name, _| (parent, name.to_vec()));
                entry.ok_or(InitError::BadPath(path))
            }
        }
    }

    /// Shows each name of a volume's root in the directory at an absolute path, except those that lead to something there.
    pub fn add(&mut self, path: &'static str, volume: Rc<dyn Volume>) -> Result<(), InitError> {
        let directory = self.directory(path, path)?;
        let root = volume.root();
        let mounted = self.tree.mount(Rc::clone(&volume), root);
        let mut index = 0;
        while let Ok(Some(name)) = volume.entry(root, index) {
            if self.tree.find(directory, &name.name, true) == Err(Errno::ENOENT) {
                self.tree.attach(directory, &name.name, Place { node: name.inode, ..mounted });
            }
            index += 1;
        }
        Ok(())
    }

    /// The directory above a path, and the last name of that.
    fn parent(&mut self, path: &'static str) -> Result<(Place, &'static [u8]), InitError> {
        match path.rsplit_once('/') {
            Some((above, name)) if !matches!(name, "" | "." | "..") => {
                Ok((self.directory(above, path)?, name.as_bytes()))
            }
            _ => Err(InitError::BadPath(path)),
        }
    }

    /// The directory at an absolute path, made where there is none; `whole` is the path that is told where it can't be.
    fn directory(&mut self, path: &'static str, whole: &'static str) -> Result<Place, InitError> {
        let mut names = path.split('/');
        if names.next() != Some("") {
            return Err(InitError::BadPath(whole));
        }
        let mut place = self.tree.root();
        for name in names {
            if matches!(name, "" | "." | "..") {
                return Err(InitError::BadPath(whole));
            }
            place = self.enter(place, name).map_err(|errno| match errno {
                Errno::ENOTDIR => InitError::NotADirectory(whole),
                errno => InitError::Mount(whole, errno),
            })?;
        }
        Ok(place)
    }

    /// The directory that a name in another leads to.
    fn enter(&mut self, directory: Place, name: &'static str) -> Result<Place, Errno> {
        match self.tree.find(directory, name.as_bytes(), true) {
            Ok(found) if self.tree.kind(found)? == Kind::Directory => Ok(found),
            Ok(_) => Err(Errno::ENOTDIR),
            Err(Errno::ENOENT) if self.tree.volume(directory)?.is_writable() => {
                self.tree.make_directory(directory, name.as_bytes(), PERMISSIONS)?;
                self.tree.find(directory, name.as_bytes(), true)
            }
            Err(Errno::ENOENT) => {
                let place = Place { node: self.missing.loose_directory(), ..self.at };
                self.tree.attach(directory, name.as_bytes(), place);
                Ok(place)
            }
            Err(errno) => Err(errno),
        }
    }

    /// The tree, and the text of `/proc/mounts`.
    pub fn finish(self) -> (&'static Tree, Vec<u8>) {
        (Box::leak(Box::new(self.tree)), self.lines)
    }
}

/// A line of `/proc/mounts` (fstab(5)).
fn line(volume: &dyn Volume, path: &str) -> Vec<u8> {
    let (kind, mode) = (volume.kind_name(), if volume.is_writable() { "rw" } else { "ro" });
    format!("{kind} {path} {kind} {mode} 0 0\n").into_bytes()
}
