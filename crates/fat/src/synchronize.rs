//! Writing what is known here alone, in an order in which the disk is whole at any moment.

use alloc::vec::Vec;

use hadris_fat_raw::layout::encode_fs_info;
use iface_block_device::BlockDevice;
use iface_filesystem::FileError;

use crate::{medium::failed, volume::Volume};

/// Most that is kept back before it is written without being asked for: sectors, nodes, entries of the table.
const MOST_SECTORS: usize = 256;
const MOST_CHANGED: usize = 1024;
const MOST_LATE: usize = 65_536;

impl<D: BlockDevice> Volume<D> {
    /// Returns when all is on the medium.
    pub(crate) fn synchronize(&mut self) -> Result<(), FileError> {
        self.write_entries(|volume, node| !volume.replacing.contains(&node))?;
        // First the clusters, with what lies in them: what a directory or a chain leads to is there before it leads there.
        self.write_table()?;
        if self.table.apply_links() {
            self.write_table()?;
        }
        self.write_sectors()?;
        if !self.replacing.is_empty() {
            self.write_entries(|_, _| true)?;
            self.write_sectors()?;
            self.replacing.clear();
        }
        // What was moved has its new name; for a moment it has two, rather than none.
        if !self.moved.is_empty() {
            for (directory, slots) in core::mem::take(&mut self.moved) {
                if self.items.contains_key(&directory) {
                    self.clear_slots(directory, slots)?;
                }
            }
            self.write_sectors()?;
        }
        // Nothing is behind the end of a chain any more, and then nothing leads to what is free. Where that is lost, the clusters
        // are.
        if self.table.apply_ends() {
            self.write_table()?;
        }
        self.table.apply_frees();
        self.table.write_back(&self.geometry, &mut self.medium).map_err(failed)?;
        self.tell_unused()
    }

    /// Writes the table where it changed, and waits for it.
    fn write_table(&mut self) -> Result<(), FileError> {
        if self.table.write_back(&self.geometry, &mut self.medium).map_err(failed)? {
            self.medium.flush().map_err(failed)?;
        }
        Ok(())
    }

    /// The same where much has come together.
    pub(crate) fn synchronize_much(&mut self) -> Result<(), FileError> {
        let is_much = self.sectors.len() > MOST_SECTORS
            || self.changed.len() > MOST_CHANGED
            || self.table.late() > MOST_LATE;
        if is_much { self.synchronize() } else { Ok(()) }
    }

    /// Puts what those nodes have become that are due into the sectors of their directories.
    fn write_entries(&mut self, is_due: impl Fn(&Self, u64) -> bool) -> Result<(), FileError> {
        let changed: Vec<_> = self.changed.iter().copied().filter(|node| is_due(self, *node)).collect();
        for node in changed {
            if let Some(item) = self.items.get(&node)
                && let Some(slots) = &item.slots
            {
                let (directory, slot, bytes) = (item.parent, slots.end - 1, item.entry.encode());
                self.set_slot(directory, slot, &bytes)?;
            }
            self.changed.remove(&node);
        }
        Ok(())
    }

    fn write_sectors(&mut self) -> Result<(), FileError> {
        self.sectors.write_back(&mut self.medium).map_err(failed)?;
        self.medium.flush().map_err(failed)
    }

    /// Writes how many clusters are free, where FAT32 has a sector for that. It is a hint, and not waited for.
    fn tell_unused(&mut self) -> Result<(), FileError> {
        let unused = self.table.unused();
        if let Some(sector) = self.geometry.fs_info_sector()
            && self.told_unused != Some(unused)
        {
            let place = u64::from(sector) * u64::from(self.geometry.sector_size());
            self.medium.write(place, &encode_fs_info(unused, self.table.hint())).map_err(failed)?;
            self.told_unused = Some(unused);
        }
        Ok(())
    }
}
