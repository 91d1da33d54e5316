//! What the backend says of the disk and of itself.

use alloc::{format, string::String};
use core::ops::RangeInclusive;

use iface_xenstore::Tree;
use xenbus::{Error, Keys};

use crate::{
    blkif::{DIRECT_SEGMENTS, INDIRECT_SEGMENTS, Operation, SECTOR},
    link::Features,
};

/// `VDISK_READONLY` in `info`.
const READ_ONLY: u64 = 1 << 2;

/// What a disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Bytes of a block: a power of two from 512 to 4096.
    pub(crate) block_size: usize,
    pub(crate) blocks: u64,
    pub(crate) is_read_only: bool,
}

impl Facts {
    /// What a connected backend says.
    pub(crate) fn read<T: Tree>(keys: &Keys<T>) -> Result<Self, Error> {
        let block_size = required(keys, "sector-size", power_of_two(keys, "sector-size", 512..=4096)?)?;
        // Nothing is done by it, but who says nonsense here is not to be believed elsewhere.
        power_of_two(keys, "physical-sector-size", block_size..=1 << 31)?;
        let sectors = required(keys, "sectors", keys.number("sectors", 0..=u64::MAX / SECTOR as u64)?)?;
        let info = keys.number("info", 0..=u32::MAX.into())?.unwrap_or(0);
        let blocks = sectors / (block_size / SECTOR as u64);
        Ok(Self { block_size: block_size as usize, blocks, is_read_only: info & READ_ONLY != 0 })
    }
}

fn power_of_two<T: Tree>(
    keys: &Keys<T>,
    key: &str,
    bounds: RangeInclusive<u64>,
) -> Result<Option<u64>, Error> {
    match keys.number(key, bounds)? {
        Some(size) if !size.is_power_of_two() => {
            Err(keys.unfit(key, format!("{size}"), "a power of two".into()))
        }
        size => Ok(size),
    }
}

fn required<T: Tree>(keys: &Keys<T>, key: &str, value: Option<u64>) -> Result<u64, Error> {
    value.ok_or_else(|| keys.unfit(key, String::new(), "a number".into()))
}

impl Features {
    /// What a connected backend offers, to a driver with `pages` pages for data.
    pub(crate) fn read<T: Tree>(keys: &Keys<T>, pages: usize) -> Result<Self, Error> {
        let indirect = keys.number("feature-max-indirect-segments", 0..=u32::MAX.into())?.unwrap_or(0);
        // One of the pages has the segments, and half of them are left to the request that follows.
        let most = (pages / 2).saturating_sub(1).min(INDIRECT_SEGMENTS);
        let segments = usize::try_from(indirect).unwrap_or(usize::MAX).min(most).max(DIRECT_SEGMENTS);
        let flush = if keys.flag("feature-flush-cache")? {
            Some(Operation::Flush)
        } else if keys.flag("feature-barrier")? {
            Some(Operation::WriteBarrier)
        } else {
            None
        };
        Ok(Self { segments, flush })
    }
}
