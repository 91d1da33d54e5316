//! What a superblock must say before a reader may believe it.

use core::fmt;

use iface_block_device::BlockDevice;

use crate::{InitError, disk::Bytes};

/// Where it lies on the disk, in bytes, and how long it is (Linux, *ext4 Data Structures and Algorithms*, "The Super
/// Block").
const START: u64 = 1024;
const LENGTH: usize = 1024;

/// Offsets of its fields.
const BLOCKS_LOW: usize = 0x4;
const LOG_BLOCK_SIZE: usize = 0x18;
const BLOCKS_PER_GROUP: usize = 0x20;
const MAGIC: usize = 0x38;
const BLOCKS_HIGH: usize = 0x150;

/// Blocks of 64 KiB, the longest that there are, as `s_log_block_size` has them.
const MAX_LOG_BLOCK_SIZE: u32 = 6;

/// What is wrong with a superblock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk has no `0xef53` where the superblock has it.
    NoMagic,
    /// Blocks are longer than 64 KiB.
    BlockSize,
    /// There are more blocks than the disk has room for.
    BeyondDisk,
    /// There are more groups of blocks than can be.
    GroupSize,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoMagic => {
                "the disk holds no ext4 file system: make one on the whole disk, without partitions (mkfs.ext4)"
            }
            Self::BlockSize => "the file system's blocks are longer than 64 KiB",
            Self::BeyondDisk => "the file system is longer than the disk",
            Self::GroupSize => "the file system's groups of blocks are too small",
        })
    }
}

impl core::error::Error for Fault {}

/// How large a file system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Bytes of a block: a power of two from 1024 to 65536.
    pub(crate) block_size: u64,
    /// Number of blocks; they are on the disk.
    pub(crate) blocks: u64,
}

impl Geometry {
    /// The geometry of the file system on `disk`.
    ///
    /// A reader allocates by what it finds here, so that nothing may be larger than the disk could make it.
    pub(crate) fn read<D: BlockDevice>(disk: D) -> Result<Self, InitError> {
        let mut superblock = [0; LENGTH];
        Bytes::new(disk).read_at(START, &mut superblock)?;
        let field = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| superblock[at + byte]));
        if field(MAGIC) as u16 != 0xef53 {
            return Err(Fault::NoMagic.into());
        }
        if field(LOG_BLOCK_SIZE) > MAX_LOG_BLOCK_SIZE {
            return Err(Fault::BlockSize.into());
        }
        let block_size = 1024 << field(LOG_BLOCK_SIZE);
        let blocks = u64::from(field(BLOCKS_HIGH)) << 32 | u64::from(field(BLOCKS_LOW));
        if blocks > disk.blocks().saturating_mul(disk.block_size() as u64) / block_size {
            return Err(Fault::BeyondDisk.into());
        }
        // `mke2fs` makes groups of eight blocks a byte of a block; an eighth of that keeps the table of groups small.
        if u64::from(field(BLOCKS_PER_GROUP)) < blocks.min(block_size) {
            return Err(Fault::GroupSize.into());
        }
        Ok(Self { block_size, blocks })
    }

    /// Bytes of the longest file that is read: no longer than the file system, holes included, and not beyond what a map
    /// of blocks (ext2's, of 12 direct blocks and three trees of block numbers of four bytes) reaches.
    pub(crate) fn longest_file(self) -> u64 {
        let fan_out = self.block_size / 4;
        let mapped = 12 + fan_out + fan_out.pow(2) + fan_out.pow(3);
        self.blocks.min(mapped) * self.block_size
    }
}
