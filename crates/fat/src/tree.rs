//! Making, moving and removing names.

use alloc::{boxed::Box, vec};
use core::ops::Range;

use hadris_fat_raw::{ATTR_DIRECTORY, ENTRY_FREE, ENTRY_SIZE, RootLocation, ShortEntry};
use iface_block_device::BlockDevice;
use iface_filesystem::{FileError, Kind};

use crate::{
    directory::{Area, Directory},
    extents::Extents,
    item::Item,
    medium::failed,
    names,
    volume::{ROOT, Volume},
};

/// Bytes that a disk writes all or not, whatever happens meanwhile.
const SECTOR: u64 = 512;
const DOT: [u8; 11] = *b".          ";
const DOT_DOT: [u8; 11] = *b"..         ";
/// Where these two are in each directory but the root.
const OWN_SLOTS: Range<u32> = 0..2;

impl<D: BlockDevice> Volume<D> {
    /// Makes an empty file or directory.
    pub(crate) fn create(
        &mut self,
        directory: u64,
        name: &[u8],
        kind: Kind,
        mode: u16,
        now: u64,
    ) -> Result<u64, FileError> {
        let name = names::check(name)?;
        if self.directory_with_name(directory)?.child(name).is_some() {
            return Err(FileError::Exists);
        }
        let mut item = Item::new(directory, name, kind, mode, now);
        match kind {
            Kind::File => self.place(directory, item),
            Kind::Directory => {
                let extents = self.new_directory(directory, &mut item)?;
                let first = extents.first();
                let mut inside = Directory::new(Area::Chain(extents), &self.geometry);
                inside.take(OWN_SLOTS);
                item.directory = Some(Box::new(inside));
                // Nothing leads to its cluster as long as it has no place.
                let placed = self.place(directory, item).inspect_err(|_| self.table.give_back(first))?;
                self.directories.insert(first, placed);
                Ok(placed)
            }
            Kind::Link => Err(FileError::Unsupported),
        }
    }

    /// Removes a name; what it named stays until it is forgotten.
    pub(crate) fn remove(&mut self, directory: u64, name: &[u8]) -> Result<(), FileError> {
        names::check(name)?;
        let node = self.child(directory, name)?;
        if self.item(node)?.kind() == Kind::Directory && !self.directory(node)?.is_empty() {
            return Err(FileError::NotEmpty);
        }
        if let Some(slots) = self.unlist(node)? {
            self.clear_slots(directory, slots)?;
        }
        self.changed.remove(&node);
        self.replacing.remove(&node);
        Ok(())
    }

    /// Frees what has no name any more.
    pub(crate) fn forget(&mut self, node: u64) {
        if node == ROOT || self.items.get(&node).is_none_or(|item| item.slots.is_some()) {
            return;
        }
        let Some(item) = self.items.get_mut(&node) else { return };
        if item.kind() == Kind::Directory {
            self.directories.retain(|_, of| *of != node);
            if let Some(Area::Chain(mut extents)) = item.directory.take().map(|directory| directory.area) {
                while let Some(cluster) = extents.pop() {
                    self.table.free_late(cluster);
                }
            }
        } else if self.free_all(node).is_err() {
            log::warn!("a removed file was malformed: where it lay is not used again");
        }
        self.files.retain(|(of, _)| *of != node);
        self.items.remove(&node);
    }

    /// Moves a name.
    pub(crate) fn rename(&mut self, from: (u64, &[u8]), to: (u64, &[u8])) -> Result<(), FileError> {
        let name = names::check(to.1)?;
        let node = self.child(from.0, from.1)?;
        let target = self.directory_with_name(to.0)?.child(name);
        if target == Some(node) && self.item(node)?.name == name {
            return Ok(());
        }
        self.check_move(node, to.0, target.filter(|target| *target != node))?;
        match target {
            Some(target) if target != node => self.move_onto(node, target)?,
            _ => self.move_beside(node, to.0, name)?,
        }
        if from.0 != to.0 && self.item(node)?.kind() == Kind::Directory {
            self.write_parent(node, to.0)?;
        }
        Ok(())
    }

    /// Whether a node may be moved into `directory`, in the place of `target`.
    fn check_move(&self, node: u64, directory: u64, target: Option<u64>) -> Result<(), FileError> {
        let is_directory = self.item(node)?.kind() == Kind::Directory;
        let mut above = directory;
        while is_directory && above != ROOT {
            if above == node {
                return Err(FileError::InvalidName);
            }
            above = self.item(above)?.parent;
        }
        match target.map(|target| self.item(target)).transpose()? {
            Some(target) if target.kind() == Kind::Directory => Err(FileError::IsADirectory),
            Some(_) if is_directory => Err(FileError::NotADirectory),
            _ => Ok(()),
        }
    }

    /// Moves a file into the slots of another one.
    fn move_onto(&mut self, node: u64, target: u64) -> Result<(), FileError> {
        let (parent, old_slots) = (self.item(node)?.parent, self.unlist(node)?);
        let replaced = self.item_mut(target)?;
        let (directory, name, slots) = (replaced.parent, replaced.name.clone(), replaced.slots.take());
        let (short, case) = (replaced.entry.name(), replaced.entry.nt_case());
        self.changed.remove(&target);
        self.replacing.remove(&target);
        self.directory(directory)?.replace(&name, node);
        let item = self.item_mut(node)?;
        item.entry.set_name(short);
        item.entry.set_nt_case(case);
        (item.parent, item.name, item.slots) = (directory, name, slots);
        self.changed.insert(node);
        let Some(old_slots) = old_slots else { return Ok(()) };
        // The other order would have two names for one file, of which one is likely to be removed.
        if !self.ends_beside(node, parent, &old_slots)? {
            self.replacing.insert(node);
        }
        self.clear_slots(parent, old_slots)
    }

    /// Moves a node to a name that is not taken.
    fn move_beside(&mut self, node: u64, directory: u64, name: &str) -> Result<(), FileError> {
        let item = self.item(node)?;
        let (parent, old_name, old_entry) = (item.parent, item.name.clone(), item.entry);
        let old_slots = self.unlist(node)?;
        if let Err(error) = self.list(node, directory, name) {
            let item = self.item_mut(node)?;
            (item.slots, item.entry) = (old_slots, old_entry);
            self.directory(parent)?.insert(&old_name, old_entry.name(), node);
            return Err(error);
        }
        match old_slots {
            Some(slots) if self.ends_beside(node, parent, &slots)? => self.clear_slots(parent, slots),
            slots => {
                self.moved.extend(slots.map(|slots| (parent, slots)));
                Ok(())
            }
        }
    }

    /// Whether the slots of a node end in the same sector as others, so that both are written or none.
    fn ends_beside(&mut self, node: u64, directory: u64, slots: &Range<u32>) -> Result<bool, FileError> {
        let item = self.item(node)?;
        let (parent, Some(own)) = (item.parent, item.slots.clone()) else { return Ok(false) };
        Ok(self.place_of(parent, own.end - 1)? / SECTOR == self.place_of(directory, slots.end - 1)? / SECTOR)
    }

    /// A directory that has a name, so that something can be put there.
    fn directory_with_name(&mut self, node: u64) -> Result<&mut Directory, FileError> {
        let has_name = node == ROOT || self.item(node)?.slots.is_some();
        if has_name { self.directory(node) } else { Err(FileError::NotFound) }
    }

    /// Adds an item and puts it into a directory.
    fn place(&mut self, directory: u64, item: Item) -> Result<u64, FileError> {
        let name = item.name.clone();
        let node = self.add(item);
        self.list(node, directory, &name).inspect_err(|_| drop(self.items.remove(&node)))?;
        Ok(node)
    }

    /// Gives a node slots in a directory under this name, which is not taken there.
    fn list(&mut self, node: u64, directory: u64, name: &str) -> Result<(), FileError> {
        let mut entry = self.item(node)?.entry;
        let parent = self.directory(directory)?;
        let long = names::write(name, &mut entry, |short| parent.is_taken(short))?;
        let count = long.len() + 1;
        let start = loop {
            match self.directory(directory)?.find_free(count) {
                Some(start) => break start,
                None => self.grow_directory(directory)?,
            }
        };
        for (index, slot) in (start..).zip(long.into_iter().chain([entry.encode()])) {
            self.set_slot(directory, index, &slot)?;
        }
        let slots = start..start + count as u32;
        let parent = self.directory(directory)?;
        parent.insert(name, entry.name(), node);
        if let Some(end) = parent.take(slots.clone()) {
            self.set_slot(directory, end, &[0; ENTRY_SIZE])?;
        }
        let item = self.item_mut(node)?;
        (item.parent, item.slots, item.entry) = (directory, Some(slots), entry);
        item.name = name.into();
        Ok(())
    }

    /// Takes the name of a node away, and returns its slots, which stay in use.
    fn unlist(&mut self, node: u64) -> Result<Option<Range<u32>>, FileError> {
        let item = self.item_mut(node)?;
        let (parent, name, slots) = (item.parent, item.name.clone(), item.slots.take());
        let short = item.entry.name();
        self.directory(parent)?.remove(&name, short, node);
        Ok(slots)
    }

    /// Says on the disk that slots are not in use, and has them used again.
    pub(crate) fn clear_slots(&mut self, directory: u64, slots: Range<u32>) -> Result<(), FileError> {
        for slot in slots.clone() {
            self.set_slot(directory, slot, &[ENTRY_FREE])?;
        }
        self.directory(directory)?.release(slots);
        Ok(())
    }

    /// Changes the first bytes of a slot.
    pub(crate) fn set_slot(&mut self, directory: u64, slot: u32, bytes: &[u8]) -> Result<(), FileError> {
        let place = self.place_of(directory, slot)?;
        self.sectors.set(&mut self.medium, place, bytes).map_err(failed)
    }

    /// Where on the disk a slot of a directory is.
    fn place_of(&mut self, directory: u64, slot: u32) -> Result<u64, FileError> {
        let geometry = self.geometry;
        let offset = u64::from(slot) * ENTRY_SIZE as u64;
        self.directory(directory)?.area.place(&geometry, offset).ok_or(FileError::Corrupt)
    }

    /// Adds a cluster of empty slots to a directory.
    fn grow_directory(&mut self, node: u64) -> Result<(), FileError> {
        let geometry = self.geometry;
        if !self.directory(node)?.can_grow(&geometry) {
            return Err(FileError::NoSpace);
        }
        let last = match &self.directory(node)?.area {
            Area::Chain(extents) => extents.last(),
            Area::Fixed { .. } => None,
        };
        let cluster = self.new_cluster(last, &[])?;
        if let Some(last) = last {
            self.table.link(last, cluster);
        }
        self.directory(node)?.grow(cluster, &geometry)
    }

    /// Makes the cluster of an empty directory.
    fn new_directory(&mut self, parent: u64, item: &mut Item) -> Result<Extents, FileError> {
        let kind = self.table.kind();
        let mut own = ShortEntry::new(DOT, ATTR_DIRECTORY);
        let (date, time) = item.entry.modified();
        own.set_modified(date, time);
        own.set_created(date, time, 0);
        let mut above = own;
        above.set_name(DOT_DOT);
        above.set_first_cluster(kind, self.cluster_as_parent(parent)?);
        let cluster = self.new_cluster(None, &[own.encode(), above.encode()])?;
        own.set_first_cluster(kind, cluster);
        let place = self.geometry.cluster_offset(cluster).ok_or(FileError::Corrupt)?;
        self.medium.write(place, &own.encode()).map_err(failed)?;
        item.entry.set_first_cluster(kind, cluster);
        let mut extents = Extents::default();
        extents.push(cluster);
        Ok(extents)
    }

    /// Takes a free cluster, and has it hold these slots and nothing else. Nothing leads there yet, so it is written at once.
    fn new_cluster(&mut self, near: Option<u32>, slots: &[[u8; ENTRY_SIZE]]) -> Result<u32, FileError> {
        if self.table.free() == 0 {
            self.synchronize()?;
        }
        let cluster = self.table.allocate(near).ok_or(FileError::NoSpace)?;
        let mut bytes = vec![0; self.geometry.cluster_size() as usize];
        bytes[..slots.len() * ENTRY_SIZE].copy_from_slice(slots.as_flattened());
        let place = self.geometry.cluster_offset(cluster).ok_or(FileError::Corrupt)?;
        self.medium.write(place, &bytes).map_err(failed).inspect_err(|_| self.table.give_back(cluster))?;
        Ok(cluster)
    }

    /// Writes into a directory which one it is in.
    fn write_parent(&mut self, node: u64, parent: u64) -> Result<(), FileError> {
        let mut above = ShortEntry::new(DOT_DOT, ATTR_DIRECTORY);
        let (date, time) = self.item(node)?.entry.modified();
        above.set_modified(date, time);
        above.set_first_cluster(self.table.kind(), self.cluster_as_parent(parent)?);
        self.set_slot(node, OWN_SLOTS.end - 1, &above.encode())
    }

    /// The first cluster of a directory, as those in it name it: 0 is the root.
    fn cluster_as_parent(&self, node: u64) -> Result<u32, FileError> {
        match (node, self.geometry.root()) {
            (ROOT, RootLocation::Fixed { .. } | RootLocation::Cluster(_)) => Ok(0),
            _ => Ok(self.item(node)?.entry.first_cluster(self.table.kind())),
        }
    }
}
