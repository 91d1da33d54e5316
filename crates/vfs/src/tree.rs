//! What is mounted where.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;

use iface_vfs::{Errno, Kind, OpenFile, Place, Status};
use open_file::Name;

use crate::handle::handle_of;
use crate::known::Known;
use crate::memo::Memo;
use crate::volume::{Facts, Target, Volume};

/// Bytes of the longest name (`NAME_MAX`).
const LONGEST_NAME: usize = 255;
/// Bytes of the longest path, its zero byte aside (`PATH_MAX`).
pub(crate) const LONGEST_PATH: usize = 4095;
/// Bytes of a block where the file system has none of its own (statfs(2)).
const BLOCK: u64 = 4096;

/// A volume, one of whose directories is shown.
struct Mount {
    volume: Rc<dyn Volume>,
    root: u64,
    /// Number of the volume: mounts of one volume have one (`st_dev`).
    device: u64,
}

/// A name that a directory has besides those of its own volume, one of which it may hide.
#[derive(Debug)]
struct Attached {
    name: Box<[u8]>,
    place: Place,
}

/// One tree of several volumes.
///
/// No borrow is held while a volume works: that may let other threads run.
pub(crate) struct Tree {
    mounts: Vec<Mount>,
    /// By directory. Neither this nor the mounts change after the start.
    attached: BTreeMap<Place, Vec<Attached>>,
    pub known: Known,
    pub memo: Memo,
}

impl Tree {
    /// A tree of one volume.
    pub fn new(root: Rc<dyn Volume>) -> Self {
        let mut tree = Self {
            mounts: Vec::new(),
            attached: BTreeMap::new(),
            known: Known::default(),
            memo: Memo::default(),
        };
        let node = root.root();
        tree.mount(root, node);
        tree
    }

    /// Adds a volume, of which `root` is shown, at no place yet.
    pub fn mount(&mut self, volume: Rc<dyn Volume>, root: u64) -> Place {
        let same = self.mounts.iter().find(|mount| Rc::ptr_eq(&mount.volume, &volume));
        let device = same.map_or(self.mounts.len() as u64 + 1, |mount| mount.device);
        self.mounts.push(Mount { volume, root, device });
        Place { mount: (self.mounts.len() - 1) as u32, node: root }
    }

    /// Gives a directory another name, for what is at `place`.
    pub fn attach(&mut self, directory: Place, name: &[u8], place: Place) {
        let attached = self.attached.entry(directory).or_default();
        attached.retain(|other| *other.name != *name);
        attached.push(Attached { name: name.into(), place });
        // Paths that led elsewhere before.
        self.memo = Memo::default();
        self.known.add(place, directory, name);
    }

    pub fn root(&self) -> Place {
        Place { mount: 0, node: self.mounts[0].root }
    }

    /// The volume of a place; one with an unknown mount is nowhere.
    pub fn volume(&self, place: Place) -> Result<&Rc<dyn Volume>, Errno> {
        self.mounts.get(place.mount as usize).map(|mount| &mount.volume).ok_or(Errno::ENOENT)
    }

    /// The volume of a place that was found in the tree.
    pub fn mounted(&self, place: Place) -> &Rc<dyn Volume> {
        &self.mounts[place.mount as usize].volume
    }

    fn attached_to(&self, directory: Place, name: &[u8]) -> Option<Place> {
        let attached = self.attached.get(&directory)?.iter();
        attached.into_iter().find(|attached| *attached.name == *name).map(|attached| attached.place)
    }

    /// What a name names in a directory, links not followed.
    pub fn step(&self, directory: Place, name: &[u8]) -> Result<Place, Errno> {
        if let Some(place) = self.attached_to(directory, name) {
            return Ok(place);
        }
        if name.len() > LONGEST_NAME {
            return Err(Errno::ENAMETOOLONG);
        }
        let node = self.volume(directory)?.child(directory.node, name)?;
        Ok(Place { mount: directory.mount, node })
    }

    /// Whether a name belongs to the tree itself, so that it stays where it is.
    pub fn is_attached(&self, directory: Place, name: &[u8]) -> bool {
        self.attached_to(directory, name).is_some()
    }

    /// Whether names of the tree itself are in a directory, so that it is not empty.
    pub fn holds_attached(&self, directory: Place) -> bool {
        self.attached.contains_key(&directory)
    }

    pub fn facts(&self, place: Place) -> Result<Facts, Errno> {
        self.volume(place)?.facts(place.node)
    }

    pub fn kind(&self, place: Place) -> Result<Kind, Errno> {
        self.facts(place).map(|facts| facts.kind)
    }

    pub fn status(&self, place: Place) -> Result<Status, Errno> {
        let facts = self.facts(place)?;
        Ok(Status {
            kind: facts.kind,
            permissions: facts.permissions,
            inode: inode(place.node),
            device: self.mounts[place.mount as usize].device,
            special: facts.special,
            links: self.links(place, facts.kind),
            size: facts.size,
            modified: facts.modified,
        })
    }

    /// How many names a place has. A directory has one, which says that those of `.` and `..` are not counted.
    fn links(&self, place: Place, kind: Kind) -> u32 {
        let volume = self.mounted(place);
        let counted = if kind == Kind::Directory { None } else { volume.links(place.node) };
        counted.unwrap_or_else(|| u32::from(!volume.is_writable() || !self.known.is_removed(place)))
    }

    /// Bytes of a block, blocks, and free blocks of the file system of a place.
    pub fn capacity(&self, place: Place) -> Result<(u64, u64, u64), Errno> {
        let capacity = self.volume(place)?.capacity();
        Ok(capacity.map_or((BLOCK, 0, 0), |capacity| (BLOCK, capacity.total / BLOCK, capacity.free / BLOCK)))
    }

    /// Returns when what was changed in any volume lies where it outlasts the image.
    pub fn synchronize(&self) -> Result<(), Errno> {
        self.mounts.iter().try_for_each(|mount| mount.volume.synchronize())
    }

    /// All names of a directory, `.` and `..` first.
    pub fn names(&self, directory: Place) -> Result<Vec<Name>, Errno> {
        if self.known.is_removed(directory) {
            return Err(Errno::ENOENT);
        }
        let own = |name: &[u8], place: Place| Name {
            name: name.into(),
            inode: inode(place.node),
            kind: Kind::Directory,
        };
        let mut names = Vec::from([own(b".", directory), own(b"..", self.parent(directory)?)]);
        let volume = self.volume(directory)?;
        let mut index = 0;
        while let Some(mut name) = volume.entry(directory.node, index)? {
            name.inode = inode(name.inode);
            names.push(name);
            index += 1;
        }
        self.add_attached(directory, &mut names);
        Ok(names)
    }

    fn add_attached(&self, directory: Place, names: &mut Vec<Name>) {
        let Some(attached) = self.attached.get(&directory) else { return };
        names.retain(|name| !attached.iter().any(|attached| *attached.name == *name.name));
        names.extend(attached.iter().map(|attached| Name {
            name: attached.name.to_vec(),
            inode: inode(attached.place.node),
            kind: self.kind(attached.place).unwrap_or(Kind::Regular),
        }));
    }

    /// Where a link leads, which is then followed from the directory that it is in.
    pub fn target(&self, link: Place) -> Result<Target, Errno> {
        self.volume(link)?.target(link.node)
    }

    /// What readlink(2) tells of a link.
    pub fn target_text(&self, link: Place) -> Result<Vec<u8>, Errno> {
        Ok(match self.target(link)? {
            Target::Path(path) => path,
            Target::Place(place) => self.path_of_held(place)?,
            Target::File(file, _) => text_of(&*file),
        })
    }

    /// The path of a directory that was walked through; getcwd(2).
    pub fn path(&self, place: Place) -> Result<Vec<u8>, Errno> {
        match self.path_or_former(place)? {
            (path, false) => Ok(path),
            (_, true) => Err(Errno::ENOENT),
        }
    }

    /// The path that a known place has, or had before something of it was removed.
    pub fn path_of_held(&self, place: Place) -> Result<Vec<u8>, Errno> {
        let (mut path, is_former) = self.path_or_former(place)?;
        if is_former {
            path.extend_from_slice(b" (deleted)");
        }
        Ok(path)
    }

    /// The path of a known place, and whether it leads there no more.
    fn path_or_former(&self, place: Place) -> Result<(Vec<u8>, bool), Errno> {
        let mut path = Vec::new();
        let (mut at, mut is_former) = (place, false);
        while at != self.root() {
            let found = self.known.with(at, |parent, name, removed| {
                path.extend(name.iter().rev());
                path.push(b'/');
                is_former |= removed;
                parent
            });
            at = found.ok_or(Errno::ENOENT)?;
            if path.len() > LONGEST_PATH {
                return Err(Errno::ENAMETOOLONG);
            }
        }
        if path.is_empty() {
            path.push(b'/');
        }
        // The names were met from the last to the first.
        path.reverse();
        Ok((path, is_former))
    }

    /// The path of what is in a directory of a volume that does not change.
    pub fn path_in(&self, directory: Place, place: Place) -> Result<Vec<u8>, Errno> {
        let names = self.names(directory)?.into_iter().skip(2);
        let name = names.map(|name| name.name).find(|name| self.step(directory, name) == Ok(place));
        Ok(below(self.path(directory)?, &name.ok_or(Errno::ENOENT)?))
    }

    /// The directory above one that was walked through; the root's is itself.
    pub fn parent(&self, directory: Place) -> Result<Place, Errno> {
        if directory == self.root() {
            return Ok(directory);
        }
        self.known.parent(directory).ok_or(Errno::ENOENT)
    }

    /// A name of `place` was removed. When it was the last it stays for as long as it is open.
    pub fn removed(&self, place: Place, name: (Place, &[u8])) {
        if self.known.removed(place, name) {
            self.mounted(place).forget(place.node);
        }
    }

    /// Whether `directory` is `above`, or lies below it.
    pub fn is_below(&self, mut directory: Place, above: Place) -> bool {
        while directory != above {
            if directory == self.root() {
                return false;
            }
            let Ok(parent) = self.parent(directory) else { return false };
            directory = parent;
        }
        true
    }
}

/// The number that programs see: not 0, which some take for a name that is none.
fn inode(node: u64) -> u64 {
    node.wrapping_add(1)
}

/// How a link to an open file reads (proc_pid_fd(5)).
fn text_of(file: &dyn OpenFile) -> Vec<u8> {
    if let Some(Ok(path)) = handle_of(file).map(|handle| handle.path()) {
        return path;
    }
    let status = file.status();
    let (kind, inode) = status.map_or((Kind::Anonymous, 0), |status| (status.kind, status.inode));
    let text = match kind {
        Kind::Pipe => alloc::format!("pipe:[{inode}]"),
        Kind::Socket => alloc::format!("socket:[{inode}]"),
        // A terminal that the process has of its own.
        Kind::Character => "/dev/console".into(),
        _ => "anon_inode:[file]".into(),
    };
    text.into_bytes()
}

/// The path of `name` in a directory.
fn below(mut directory: Vec<u8>, name: &[u8]) -> Vec<u8> {
    if directory != b"/" {
        directory.push(b'/');
    }
    directory.extend_from_slice(name);
    directory
}
