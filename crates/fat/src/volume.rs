//! The tree on the disk: nodes by number, and how directories are looked into.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet, VecDeque},
    string::String,
    vec,
    vec::Vec,
};
use core::ops::Range;

use hadris_fat_raw::{
    ATTR_DIRECTORY, BOOT_SECTOR_LEN, ENTRY_SIZE, Geometry, MAX_DIR_ENTRIES, RootLocation, ShortEntry,
    parse_boot,
};
use iface_block_device::BlockDevice;
use iface_filesystem::{Capacity, DirectoryEntry, FileError, Kind};

use crate::{
    InitError,
    directory::{Area, Directory},
    extents::Extents,
    item::Item,
    medium::{Medium, failed},
    names,
    sectors::Sectors,
    table::Table,
};

/// The node of the root.
pub(crate) const ROOT: u64 = 0;

/// A file system, used by one thread at a time.
pub(crate) struct Volume<D> {
    pub(crate) medium: Medium<D>,
    pub(crate) geometry: Geometry,
    pub(crate) table: Table,
    /// What of directories is to be written.
    pub(crate) sectors: Sectors,
    /// Nodes whose slot on the disk is older than their entry here.
    pub(crate) changed: BTreeSet<u64>,
    /// Those of them that took the slots of others, and are written once nothing else leads to their clusters.
    pub(crate) replacing: BTreeSet<u64>,
    /// Slots that names were moved away from, by directory: they go once the new ones are on the disk.
    pub(crate) moved: Vec<(u64, Range<u32>)>,
    /// Free clusters, as the disk says in its sector for that.
    pub(crate) told_unused: Option<u32>,
    /// Where files lie that were used lately, the last one in front.
    pub(crate) files: VecDeque<(u64, Extents)>,
    pub(crate) items: BTreeMap<u64, Item>,
    next_node: u64,
    /// Directories that were looked into, by their first cluster.
    pub(crate) directories: BTreeMap<u32, u64>,
}

impl<D: BlockDevice> Volume<D> {
    /// Reads the boot sector, the table and the root directory.
    pub(crate) fn new(disk: D) -> Result<Self, InitError> {
        let mut medium = Medium::new(disk);
        let mut sector = [0; BOOT_SECTOR_LEN];
        if medium.size() < BOOT_SECTOR_LEN as u64 {
            return Err(InitError::TooShort { volume: BOOT_SECTOR_LEN as u64, disk: medium.size() });
        }
        medium.read(0, &mut sector)?;
        let geometry = parse_boot(&sector).map_err(InitError::Boot)?;
        if geometry.data_end() > medium.size() {
            return Err(InitError::TooShort { volume: geometry.data_end(), disk: medium.size() });
        }
        let table = Table::read(&geometry, &mut medium).map_err(|error| match error {
            Ok(bytes) => InitError::OutOfMemory { bytes },
            Err(error) => InitError::Disk(error),
        })?;
        let root = Item::found(ROOT, String::new(), None, ShortEntry::new([b' '; 11], ATTR_DIRECTORY));
        let mut volume = Self {
            medium,
            geometry,
            table,
            sectors: Sectors::default(),
            changed: BTreeSet::new(),
            replacing: BTreeSet::new(),
            moved: Vec::new(),
            told_unused: None,
            files: VecDeque::new(),
            items: BTreeMap::from([(ROOT, root)]),
            next_node: ROOT + 1,
            directories: BTreeMap::new(),
        };
        volume.directory(ROOT).map_err(InitError::Root)?;
        Ok(volume)
    }

    pub(crate) fn item(&self, node: u64) -> Result<&Item, FileError> {
        self.items.get(&node).ok_or(FileError::NotFound)
    }

    pub(crate) fn item_mut(&mut self, node: u64) -> Result<&mut Item, FileError> {
        self.items.get_mut(&node).ok_or(FileError::NotFound)
    }

    /// Adds a node, whose number was never used.
    pub(crate) fn add(&mut self, item: Item) -> u64 {
        let node = self.next_node;
        self.next_node += 1;
        self.items.insert(node, item);
        node
    }

    pub(crate) fn capacity(&self) -> Capacity {
        let bytes = |clusters: u32| u64::from(clusters) << self.geometry.cluster_shift();
        Capacity { total: bytes(self.table.clusters()), free: bytes(self.table.unused()) }
    }

    /// What `name` names in a directory.
    pub(crate) fn child(&mut self, directory: u64, name: &[u8]) -> Result<u64, FileError> {
        let directory = self.directory(directory)?;
        let name = core::str::from_utf8(name).map_err(|_| FileError::NotFound)?;
        directory.child(name).ok_or(FileError::NotFound)
    }

    /// The entry at a position of a directory.
    pub(crate) fn entry(
        &mut self,
        directory: u64,
        position: usize,
    ) -> Result<Option<DirectoryEntry>, FileError> {
        let Some(node) = self.directory(directory)?.at(position) else { return Ok(None) };
        let item = self.item(node)?;
        let (name, kind) = (item.name.clone().into_bytes(), item.kind());
        Ok(Some(DirectoryEntry { name, node: iface_filesystem::Node(node), kind }))
    }

    /// A directory, which is read where it was not yet.
    pub(crate) fn directory(&mut self, node: u64) -> Result<&mut Directory, FileError> {
        let item = self.item(node)?;
        if item.kind() != Kind::Directory {
            return Err(FileError::NotADirectory);
        }
        if item.directory.is_none() {
            let first = item.entry.first_cluster(self.table.kind());
            self.read_directory(node, first)?;
        }
        self.item_mut(node)?.directory.as_deref_mut().ok_or(FileError::NotADirectory)
    }

    /// Reads the directory of `node`, which begins with cluster `first` unless it is the root.
    fn read_directory(&mut self, node: u64, first: u32) -> Result<(), FileError> {
        let area = match (node, self.geometry.root()) {
            (ROOT, RootLocation::Fixed { start, size }) => Area::Fixed { start, size },
            (ROOT, RootLocation::Cluster(root)) => self.chain(root, node)?,
            _ => self.chain(first, node)?,
        };
        let mut directory = Directory::new(area, &self.geometry);
        let bytes = self.contents(&directory.area)?;
        for found in directory.read(&bytes) {
            if !names::is_shown(&found.name) {
                continue;
            }
            let child = self.next_node;
            // Of two that are called alike the second one can't be reached.
            if directory.insert(&found.name, found.entry.name(), child) {
                self.add(Item::found(node, found.name, Some(found.slots), found.entry));
            }
        }
        self.item_mut(node)?.directory = Some(Box::new(directory));
        Ok(())
    }

    /// The clusters of the directory of `node`, which no other one may have: a directory within itself has no end.
    fn chain(&mut self, first: u32, node: u64) -> Result<Area, FileError> {
        let most = self.most_directory_clusters();
        let extents = Extents::read(&self.table, first, most + 1)?;
        if extents.count() == 0 || extents.count() > most || self.directories.contains_key(&first) {
            return Err(FileError::Corrupt);
        }
        self.directories.insert(first, node);
        Ok(Area::Chain(extents))
    }

    fn most_directory_clusters(&self) -> u32 {
        (MAX_DIR_ENTRIES * ENTRY_SIZE as u32).div_ceil(self.geometry.cluster_size())
    }

    /// All that lies in an area.
    fn contents(&mut self, area: &Area) -> Result<Vec<u8>, FileError> {
        let mut bytes = vec![0; area.size(&self.geometry) as usize];
        match area {
            Area::Fixed { start, .. } => self.medium.read(*start, &mut bytes).map_err(failed)?,
            Area::Chain(extents) => self.read_extents(extents, 0, &mut bytes)?,
        }
        Ok(bytes)
    }

    /// Reads from byte `offset` of what lies in `extents`.
    pub(crate) fn read_extents(
        &mut self,
        extents: &Extents,
        offset: u64,
        mut buffer: &mut [u8],
    ) -> Result<(), FileError> {
        let mut offset = offset;
        while !buffer.is_empty() {
            let (place, length) = self.piece(extents, offset, buffer.len())?;
            let (now, rest) = buffer.split_at_mut(length);
            self.medium.read(place, now).map_err(failed)?;
            offset += length as u64;
            buffer = rest;
        }
        Ok(())
    }

    /// Writes from byte `offset` of what lies in `extents`.
    pub(crate) fn write_extents(
        &mut self,
        extents: &Extents,
        offset: u64,
        mut bytes: &[u8],
    ) -> Result<(), FileError> {
        let mut offset = offset;
        while !bytes.is_empty() {
            let (place, length) = self.piece(extents, offset, bytes.len())?;
            let (now, rest) = bytes.split_at(length);
            self.medium.write(place, now).map_err(failed)?;
            offset += length as u64;
            bytes = rest;
        }
        Ok(())
    }

    /// Where byte `offset` of what lies in `extents` is on the disk, and how many of `length` bytes are there in a row.
    fn piece(&self, extents: &Extents, offset: u64, length: usize) -> Result<(u64, usize), FileError> {
        let index = u32::try_from(offset >> self.geometry.cluster_shift()).map_err(|_| FileError::Corrupt)?;
        let (cluster, count) = extents.at(index).ok_or(FileError::Corrupt)?;
        let start = self.geometry.cluster_offset(cluster).ok_or(FileError::Corrupt)?;
        let within = offset % u64::from(self.geometry.cluster_size());
        let row = (u64::from(count) << self.geometry.cluster_shift()) - within;
        Ok((start + within, row.min(length as u64) as usize))
    }

    /// How many clusters hold `size` bytes.
    pub(crate) fn clusters_for(&self, size: u64) -> u32 {
        size.div_ceil(self.geometry.cluster_size().into()) as u32
    }
}
