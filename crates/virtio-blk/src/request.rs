//! What a request says, and what its answer says (VIRTIO 1.2, section 5.2.6).

use iface_block_device::BlockError;
use virtio_ring::Answered;

/// Bytes of a sector, in which requests count whatever the blocks of the disk are.
pub(crate) const SECTOR: u32 = 512;
/// Bytes of a header: type, reserved, first sector.
pub(crate) const HEADER_LENGTH: u16 = 16;

/// `VIRTIO_BLK_S_OK`; every other status is a failure.
const OKAY: u8 = 0;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// `VIRTIO_BLK_T_IN`.
    Read,
    /// `VIRTIO_BLK_T_OUT`.
    Write,
    /// `VIRTIO_BLK_T_FLUSH`.
    Flush,
}

impl Operation {
    /// Writes the header of a request for this, from `sector` on.
    pub(crate) fn write_header(self, sector: u64, header: &mut [u8]) {
        let number: u32 = match self {
            Self::Read => 0,
            Self::Write => 1,
            Self::Flush => 4,
        };
        header[..4].copy_from_slice(&number.to_le_bytes());
        header[4..8].fill(0);
        header[8..16].copy_from_slice(&sector.to_le_bytes());
    }
}

/// Whether `answered` says that a request with `expected` bytes for the device to write was done.
pub(crate) fn judge(answered: &Answered, expected: usize) -> Result<(), BlockError> {
    // Behind the data the device wrote the status. What it says of a request that it only read is not told alike by all.
    let is_whole = expected == 0 || answered.length as usize > expected;
    if answered.request.status() == OKAY && is_whole { Ok(()) } else { Err(BlockError::Failed) }
}
