//! A directory, as it is kept in memory from its first use on.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec,
    vec::Vec,
};
use core::ops::Range;

use hadris_fat_raw::{ENTRY_SIZE, Geometry, MAX_DIR_ENTRIES, ShortEntry, Slot, lfn};
use iface_filesystem::FileError;

use crate::{extents::Extents, names};

/// Where the slots of a directory lie.
#[derive(Clone, Debug)]
pub(crate) enum Area {
    /// A piece of the disk, which does not grow: the root of FAT12 and FAT16.
    Fixed { start: u64, size: u64 },
    /// Clusters.
    Chain(Extents),
}

impl Area {
    /// Bytes of it.
    pub(crate) fn size(&self, geometry: &Geometry) -> u64 {
        match self {
            Self::Fixed { size, .. } => *size,
            Self::Chain(extents) => u64::from(extents.count()) << geometry.cluster_shift(),
        }
    }

    /// Where on the disk byte `offset` of it is.
    pub(crate) fn place(&self, geometry: &Geometry, offset: u64) -> Option<u64> {
        match self {
            Self::Fixed { start, size } => (offset < *size).then(|| start + offset),
            Self::Chain(extents) => {
                let (cluster, _) = extents.at(u32::try_from(offset >> geometry.cluster_shift()).ok()?)?;
                let within = offset % u64::from(geometry.cluster_size());
                geometry.cluster_offset(cluster).map(|start| start + within)
            }
        }
    }
}

/// A name that was found in a directory.
pub(crate) struct Found {
    pub(crate) name: String,
    /// Its slots, the last of which is `entry`.
    pub(crate) slots: Range<u32>,
    pub(crate) entry: ShortEntry,
}

/// A directory.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) area: Area,
    /// The nodes in it, in order.
    children: Vec<u64>,
    /// The same by the keys of their names.
    names: BTreeMap<Vec<u16>, u64>,
    /// Short names that are taken.
    shorts: BTreeSet<[u8; 11]>,
    /// Which slots hold something.
    used: Vec<bool>,
    /// The first slot that no slot in use is behind.
    end: usize,
}

impl Directory {
    /// An empty one.
    pub(crate) fn new(area: Area, geometry: &Geometry) -> Self {
        let slots = (area.size(geometry) / ENTRY_SIZE as u64).min(MAX_DIR_ENTRIES.into()) as usize;
        Self {
            area,
            children: Vec::new(),
            names: BTreeMap::new(),
            shorts: BTreeSet::new(),
            used: vec![false; slots],
            end: 0,
        }
    }

    /// Takes note of what `bytes`, its slots, hold, and returns the names among that.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Vec<Found> {
        let mut found = Vec::new();
        let mut long = lfn::Assembler::new();
        let mut start = 0;
        for (index, bytes) in bytes.as_chunks().0.iter().enumerate().take(self.used.len()) {
            match Slot::parse(bytes) {
                Slot::End => break,
                Slot::Free => {
                    long.reset();
                    start = index + 1;
                }
                Slot::Long(fragment) => {
                    self.occupy(index);
                    // The fragment that begins a name says so.
                    if fragment.sequence() & hadris_fat_raw::LFN_LAST_ENTRY != 0 {
                        start = index;
                    }
                    long.push(&fragment);
                }
                Slot::Short(entry) => {
                    self.occupy(index);
                    let name = long.finish(entry.lfn_checksum()).map(String::from_utf16_lossy);
                    let first = if name.is_some() { start } else { index };
                    start = index + 1;
                    if entry.is_visible() {
                        let name = name.unwrap_or_else(|| names::short(&entry));
                        found.push(Found { name, slots: first as u32..index as u32 + 1, entry });
                    }
                }
            }
            self.end = index + 1;
        }
        found
    }

    fn occupy(&mut self, slot: usize) {
        self.used[slot] = true;
    }

    /// The node that has this name, in whatever case.
    pub(crate) fn child(&self, name: &str) -> Option<u64> {
        self.names.get(&names::key(name)).copied()
    }

    /// The node at this position.
    pub(crate) fn at(&self, position: usize) -> Option<u64> {
        self.children.get(position).copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    pub(crate) fn is_taken(&self, short: &[u8; 11]) -> bool {
        self.shorts.contains(short)
    }

    /// Has `node` be here under this name. Returns false where the name is taken.
    pub(crate) fn insert(&mut self, name: &str, short: [u8; 11], node: u64) -> bool {
        let key = names::key(name);
        if self.names.contains_key(&key) {
            return false;
        }
        self.names.insert(key, node);
        self.shorts.insert(short);
        self.children.push(node);
        true
    }

    /// Puts `node` in the place of another one that has this name.
    pub(crate) fn replace(&mut self, name: &str, node: u64) {
        if let Some(before) = self.names.insert(names::key(name), node) {
            self.children.iter_mut().filter(|child| **child == before).for_each(|child| *child = node);
        }
    }

    /// Takes a name away; its slots stay in use.
    pub(crate) fn remove(&mut self, name: &str, short: [u8; 11], node: u64) {
        self.names.remove(&names::key(name));
        self.shorts.remove(&short);
        self.children.retain(|child| *child != node);
    }

    /// `count` slots one behind the other that are not in use; `None` where there are none.
    pub(crate) fn find_free(&self, count: usize) -> Option<u32> {
        let mut length = 0;
        let last = self.used.iter().position(|used| {
            length = if *used { 0 } else { length + 1 };
            length == count
        })?;
        Some((last + 1 - count) as u32)
    }

    /// Takes these slots. Returns the one that has to say that it is the end, where that changed.
    pub(crate) fn take(&mut self, slots: Range<u32>) -> Option<u32> {
        let slots = slots.start as usize..slots.end as usize;
        self.used[slots.clone()].fill(true);
        if slots.end <= self.end {
            return None;
        }
        self.end = slots.end;
        (self.end < self.used.len()).then_some(self.end as u32)
    }

    /// Has these slots be used again.
    pub(crate) fn release(&mut self, slots: Range<u32>) {
        self.used[slots.start as usize..slots.end as usize].fill(false);
    }

    /// Adds the slots of a cluster, which are all zero.
    ///
    /// # Errors
    /// [`FileError::NoSpace`] where it cannot grow.
    pub(crate) fn grow(&mut self, cluster: u32, geometry: &Geometry) -> Result<(), FileError> {
        let slots = geometry.cluster_size() as usize / ENTRY_SIZE;
        let Area::Chain(extents) = &mut self.area else { return Err(FileError::NoSpace) };
        extents.push(cluster);
        self.used.resize(self.used.len() + slots, false);
        Ok(())
    }

    /// Whether it may have another cluster.
    pub(crate) fn can_grow(&self, geometry: &Geometry) -> bool {
        let slots = self.used.len() + geometry.cluster_size() as usize / ENTRY_SIZE;
        matches!(self.area, Area::Chain(_)) && slots <= MAX_DIR_ENTRIES as usize
    }
}
