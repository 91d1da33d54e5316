//! The file allocation table, all of it in memory.
//!
//! What frees a cluster is kept back until no directory entry on the disk leads there any more, and what leads to a cluster
//! until the disk says that this one is taken. So what is written at any moment is a table under which the directories of that
//! moment are whole, and nobody is given a cluster that may be needed after a power cut.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use hadris_fat_raw::{FIRST_DATA_CLUSTER, FatKind, Geometry};
use iface_block_device::{BlockDevice, BlockError};
use iface_filesystem::FileError;

use crate::medium::Medium;

/// Bytes of the table that are written at once.
const PIECE: usize = 4096;
/// Bytes that a disk writes all or not, whatever happens meanwhile.
const SECTOR: u64 = 512;
const FREE: u32 = 0;

/// The table.
pub(crate) struct Table {
    kind: FatKind,
    last: u32,
    /// One copy, as the disk is to have it next.
    bytes: Vec<u8>,
    /// Pieces that differ from the disk's.
    dirty: BTreeSet<usize>,
    /// Entries that go on to a cluster, once that is known as taken.
    links: BTreeMap<u32, u32>,
    /// Entries that end a chain, once the directories are written.
    ends: BTreeSet<u32>,
    /// Entries that free a cluster, once no chain on the disk leads there.
    frees: BTreeSet<u32>,
    /// Clusters that can be given away.
    free: u32,
    /// Where the search for a free one goes on.
    hint: u32,
}

impl Table {
    /// Reads the table that `geometry` names.
    ///
    /// # Errors
    /// The number of bytes that there is no memory for, or what the disk says.
    pub(crate) fn read<D: BlockDevice>(
        geometry: &Geometry,
        medium: &mut Medium<D>,
    ) -> Result<Self, Result<usize, BlockError>> {
        let (kind, last) = (geometry.kind(), geometry.max_cluster());
        let length = (kind.entry_offset(last.into()) as usize + kind.entry_len()).next_multiple_of(512);
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| Ok(length))?;
        bytes.resize(length, 0);
        medium.read(geometry.fat_copy(geometry.active_fat()), &mut bytes).map_err(Err)?;
        let mut table = Self {
            kind,
            last,
            bytes,
            dirty: BTreeSet::new(),
            links: BTreeMap::new(),
            ends: BTreeSet::new(),
            frees: BTreeSet::new(),
            free: 0,
            hint: FIRST_DATA_CLUSTER,
        };
        table.free = (FIRST_DATA_CLUSTER..=last).filter(|cluster| table.can_take(*cluster)).count() as u32;
        Ok(table)
    }

    pub(crate) fn kind(&self) -> FatKind {
        self.kind
    }

    /// How many clusters there are.
    pub(crate) fn clusters(&self) -> u32 {
        self.last - (FIRST_DATA_CLUSTER - 1)
    }

    /// How many are free, or will be with the next synchronisation.
    pub(crate) fn unused(&self) -> u32 {
        self.free + self.frees.len() as u32
    }

    /// How many can be given away now.
    pub(crate) fn free(&self) -> u32 {
        self.free
    }

    /// Where the next free one may be.
    pub(crate) fn hint(&self) -> u32 {
        self.hint
    }

    /// How many clusters wait for the directories to be written.
    pub(crate) fn late(&self) -> usize {
        self.ends.len() + self.frees.len()
    }

    /// Whether a chain that the disk still needs was cut behind `cluster`.
    pub(crate) fn is_cut(&self, cluster: u32) -> bool {
        self.ends.contains(&cluster)
    }

    /// Whether `cluster` is one of the data area.
    pub(crate) fn contains(&self, cluster: u32) -> bool {
        (FIRST_DATA_CLUSTER..=self.last).contains(&cluster)
    }

    /// The cluster behind `cluster`, which is one of the data area; `None` at the end of the chain.
    pub(crate) fn next(&self, cluster: u32) -> Result<Option<u32>, FileError> {
        let value = match self.links.get(&cluster) {
            _ if self.ends.contains(&cluster) => self.kind.mask(),
            _ if self.frees.contains(&cluster) => FREE,
            Some(next) => *next,
            None => self.stored(cluster),
        };
        self.kind.next(value, self.last).map_err(|_| FileError::Corrupt)
    }

    /// Takes a free cluster, behind `near` where that can be, and ends a chain with it.
    pub(crate) fn allocate(&mut self, near: Option<u32>) -> Option<u32> {
        if self.free == 0 {
            return None;
        }
        let behind = near.map(|near| near + 1).filter(|next| self.contains(*next) && self.can_take(*next));
        let cluster = behind.or_else(|| {
            let (before, from) = (FIRST_DATA_CLUSTER..self.hint, self.hint..=self.last);
            from.chain(before).find(|cluster| self.can_take(*cluster))
        })?;
        self.hint = if self.contains(cluster + 1) { cluster + 1 } else { FIRST_DATA_CLUSTER };
        self.free -= 1;
        self.store(cluster, self.kind.mask());
        Some(cluster)
    }

    /// Takes back at once what was allocated since the last synchronisation, and to which nothing leads.
    pub(crate) fn give_back(&mut self, cluster: u32) {
        self.store(cluster, FREE);
        self.free += 1;
    }

    /// Has the chain go on from `cluster` to `next`, which was just allocated.
    pub(crate) fn link(&mut self, cluster: u32, next: u32) {
        let sector = |cluster: u32| self.kind.entry_offset(cluster.into()) / SECTOR;
        if sector(cluster) == sector(next) {
            self.store(cluster, next);
        } else {
            self.links.insert(cluster, next);
        }
    }

    /// Ends a chain with `cluster`, at once in memory and late on the disk.
    pub(crate) fn end_late(&mut self, cluster: u32) {
        self.links.remove(&cluster);
        self.ends.insert(cluster);
        // On a malformed disk it may be behind itself.
        self.frees.remove(&cluster);
    }

    /// Frees `cluster` late.
    pub(crate) fn free_late(&mut self, cluster: u32) {
        self.links.remove(&cluster);
        self.ends.remove(&cluster);
        if self.stored(cluster) != FREE {
            self.frees.insert(cluster);
        }
    }

    /// Has chains go on as they do in memory; it is written with [`write_back`](Self::write_back). Returns whether any does.
    pub(crate) fn apply_links(&mut self) -> bool {
        let links = core::mem::take(&mut self.links);
        links.iter().for_each(|(cluster, next)| self.store(*cluster, *next));
        !links.is_empty()
    }

    /// Ends chains as they do in memory; it is written with [`write_back`](Self::write_back). Returns whether any does.
    pub(crate) fn apply_ends(&mut self) -> bool {
        let ends = core::mem::take(&mut self.ends);
        ends.iter().for_each(|cluster| self.store(*cluster, self.kind.mask()));
        !ends.is_empty()
    }

    /// Frees what was kept back; it is written with [`write_back`](Self::write_back).
    pub(crate) fn apply_frees(&mut self) {
        for cluster in core::mem::take(&mut self.frees) {
            self.store(cluster, FREE);
            self.free += u32::from(self.can_take(cluster));
        }
    }

    /// Writes what changed to all copies. Returns whether there was anything.
    pub(crate) fn write_back<D: BlockDevice>(
        &mut self,
        geometry: &Geometry,
        medium: &mut Medium<D>,
    ) -> Result<bool, BlockError> {
        let is_dirty = !self.dirty.is_empty();
        while let Some(piece) = self.dirty.first().copied() {
            let range = piece * PIECE..self.bytes.len().min((piece + 1) * PIECE);
            for copy in 0..geometry.copies() {
                let copy = if geometry.mirrored() { copy } else { geometry.active_fat() };
                medium.write(geometry.fat_copy(copy) + range.start as u64, &self.bytes[range.clone()])?;
            }
            self.dirty.remove(&piece);
        }
        Ok(is_dirty)
    }

    /// Whether a cluster is free, and can be given away: an entry of FAT12 that lies across two sectors can't be written at once.
    fn can_take(&self, cluster: u32) -> bool {
        let last_byte = self.kind.entry_offset(cluster.into()) + self.kind.entry_len() as u64 - 1;
        !last_byte.is_multiple_of(SECTOR) && self.stored(cluster) == FREE
    }

    /// The entry of a cluster of the data area, as the disk is to have it next.
    fn stored(&self, cluster: u32) -> u32 {
        let at = self.kind.entry_offset(cluster.into()) as usize;
        self.kind.decode(cluster.into(), &self.bytes[at..]) & self.kind.mask()
    }

    fn store(&mut self, cluster: u32, value: u32) {
        let at = self.kind.entry_offset(cluster.into()) as usize;
        self.kind.encode(cluster.into(), value, &mut self.bytes[at..]);
        self.dirty.extend([at / PIECE, (at + self.kind.entry_len() - 1) / PIECE]);
    }
}
