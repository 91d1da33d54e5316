//! What a device says of its disk (VIRTIO 1.2, sections 5.2.3 and 5.2.4).

use virtio_drivers::transport::Transport;
use virtio_ring::{EVENT_IDX, negotiate};

use crate::{InitError, request::SECTOR};

/// Features.
const SIZE_MAX: u64 = 1 << 1;
const READ_ONLY: u64 = 1 << 5;
const BLOCK_SIZE: u64 = 1 << 6;
const FLUSH: u64 = 1 << 9;

/// Offsets in the device's configuration space.
const CONFIG_CAPACITY: usize = 0;
const CONFIG_SIZE_MAX: usize = 8;
const CONFIG_BLOCK_SIZE: usize = 20;

/// How often the capacity is read until it did not change meanwhile.
const ATTEMPTS: usize = 8;

/// What stays true of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) blocks: u64,
    /// Bytes.
    pub(crate) block_size: usize,
    pub(crate) is_read_only: bool,
    /// Whether it has a cache to flush.
    pub(crate) can_flush: bool,
    /// Most bytes of a request's data, whole blocks.
    pub(crate) longest: u32,
    pub(crate) event_index: bool,
}

impl Facts {
    /// Agrees with the device on features, and reads what it says. Requests are to have `longest` bytes of data.
    pub(crate) fn negotiate(transport: &mut impl Transport, longest: u32) -> Result<Self, InitError> {
        let features = negotiate(transport, SIZE_MAX | READ_ONLY | BLOCK_SIZE | FLUSH | EVENT_IDX)?;
        let has = |feature| features & feature != 0;
        let number = |offset| -> Result<u32, InitError> {
            transport.read_config_space(offset).map_err(|_| InitError::Configuration)
        };
        let block_size = if has(BLOCK_SIZE) { number(CONFIG_BLOCK_SIZE)? } else { SECTOR };
        if !block_size.is_power_of_two() || !(SECTOR..=4096).contains(&block_size) {
            return Err(InitError::BlockSize(block_size));
        }
        let longest = if has(SIZE_MAX) { longest.min(number(CONFIG_SIZE_MAX)?) } else { longest };
        if longest < block_size {
            return Err(InitError::SegmentSize(longest));
        }
        Ok(Self {
            blocks: capacity(transport)? / u64::from(block_size / SECTOR),
            block_size: block_size as usize,
            is_read_only: has(READ_ONLY),
            can_flush: has(FLUSH),
            longest: longest - longest % block_size,
            event_index: has(EVENT_IDX),
        })
    }
}

/// Sectors of the disk: two numbers, which may change between reading the one and the other.
fn capacity(transport: &impl Transport) -> Result<u64, InitError> {
    let half = |offset| -> Result<u32, InitError> {
        transport.read_config_space(CONFIG_CAPACITY + offset).map_err(|_| InitError::Configuration)
    };
    for _ in 0..ATTEMPTS {
        let generation = transport.read_config_generation();
        let sectors = u64::from(half(4)?) << 32 | u64::from(half(0)?);
        if transport.read_config_generation() == generation {
            return Ok(sectors);
        }
    }
    Err(InitError::Configuration)
}
