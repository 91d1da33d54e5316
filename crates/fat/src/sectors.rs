//! Sectors of directories that were changed and not written yet.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, btree_map::Entry},
    vec::Vec,
};

use iface_block_device::{BlockDevice, BlockError};

use crate::medium::Medium;

/// Slots lie within sectors of the least size, whatever that of the disk is.
const SECTOR: usize = 512;
/// Most sectors that are written at once.
const BATCH: usize = 64;

/// The changed ones, by their place on the disk.
#[derive(Default)]
pub(crate) struct Sectors(BTreeMap<u64, Box<[u8; SECTOR]>>);

impl Sectors {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Changes the first bytes of the slot at byte `place` of the disk, which lies within one sector.
    pub(crate) fn set<D: BlockDevice>(
        &mut self,
        medium: &mut Medium<D>,
        place: u64,
        bytes: &[u8],
    ) -> Result<(), BlockError> {
        let within = (place % SECTOR as u64) as usize;
        let start = place - within as u64;
        let sector = match self.0.entry(start) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let mut sector = Box::new([0; SECTOR]);
                medium.read(start, &mut sector[..])?;
                unknown.insert(sector)
            }
        };
        sector[within..within + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    /// Writes them all, those that are beside each other at once.
    pub(crate) fn write_back<D: BlockDevice>(&mut self, medium: &mut Medium<D>) -> Result<(), BlockError> {
        while let Some((start, _)) = self.0.first_key_value() {
            let start = *start;
            let places = (0..BATCH as u64).map(|index| start + index * SECTOR as u64);
            let bytes: Vec<u8> =
                places.map_while(|place| self.0.get(&place)).flat_map(|sector| **sector).collect();
            medium.write(start, &bytes)?;
            for place in (start..start + bytes.len() as u64).step_by(SECTOR) {
                self.0.remove(&place);
            }
        }
        Ok(())
    }
}
