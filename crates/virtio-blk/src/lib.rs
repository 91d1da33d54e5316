#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod device;
mod disk;
mod facts;
mod request;

use alloc::boxed::Box;
use core::fmt;

use iface_block_device::BlockDevice;
use iface_events::{Events, SubscribeError};
use iface_scheduler::Scheduler;
use iface_virtio_bus::{DeviceType, TakeError, VirtioBus};
use virtio_ring::{NegotiateError, RingError};

use device::Device;
use disk::Disk;
use facts::Facts;

/// Settings, from `libs.virtio-blk`.
#[derive(Debug)]
pub struct Config<const QUEUE_SIZE: usize> {
    /// Most data of a request, in KiB.
    pub request_kib: u16,
}

/// What the driver needs.
#[derive(Debug)]
pub struct Needs<E, S, B> {
    /// Where the device's interrupt arrives.
    pub events: E,
    /// Threads that wait.
    pub scheduler: S,
    /// Where the disk is found.
    pub virtio_bus: B,
}

/// What the driver provides.
#[derive(Debug)]
pub struct Provides<D> {
    /// The disk.
    pub block_device: D,
}

/// Why there is no disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitError {
    /// The bus gave none.
    Take(TakeError),
    /// Driver and device do not fit together.
    Negotiate(NegotiateError),
    /// The device does not tell its size.
    Configuration,
    /// No disk can have blocks of this many bytes.
    BlockSize(u32),
    /// The device takes no more than these bytes at once, which is less than a block.
    SegmentSize(u32),
    /// The virtqueue cannot be set up.
    Ring(RingError),
    /// The device's interrupt cannot be waited for.
    Subscribe(SubscribeError),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Take(TakeError::Absent) => f.write_str(
                "the machine has no disk of virtio: give it one with run --disk FILE (QEMU: -device virtio-blk-pci)",
            ),
            Self::Take(error) => error.fmt(f),
            Self::Negotiate(error) => error.fmt(f),
            Self::Configuration => f.write_str("the device does not tell how large the disk is"),
            Self::BlockSize(size) => write!(f, "the device has blocks of {size} bytes, and 512 to 4096 can be used"),
            Self::SegmentSize(size) => write!(f, "the device takes {size} bytes at once, which is less than a block"),
            Self::Ring(error @ RingError::TooShort { .. }) => {
                write!(f, "{error}; choose fewer with libs.virtio-blk.queueSize")
            }
            Self::Ring(error @ RingError::OutOfMemory { .. }) => {
                write!(f, "{error}; choose less with libs.virtio-blk.requestKiB or queueSize")
            }
            Self::Ring(error) => error.fmt(f),
            Self::Subscribe(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for InitError {}

impl From<TakeError> for InitError {
    fn from(error: TakeError) -> Self {
        Self::Take(error)
    }
}

impl From<NegotiateError> for InitError {
    fn from(error: NegotiateError) -> Self {
        Self::Negotiate(error)
    }
}

impl From<RingError> for InitError {
    fn from(error: RingError) -> Self {
        Self::Ring(error)
    }
}

impl From<SubscribeError> for InitError {
    fn from(error: SubscribeError) -> Self {
        Self::Subscribe(error)
    }
}

/// Takes the machine's first disk of virtio.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<E: Events, S: Scheduler, B: VirtioBus, const QUEUE_SIZE: usize>(
    config: &'static Config<QUEUE_SIZE>,
    needs: Needs<E, S, B>,
) -> Result<Provides<impl BlockDevice>, InitError> {
    let Needs { events, scheduler, virtio_bus } = needs;
    let mut taken = virtio_bus.take(DeviceType::Block)?;
    let facts = Facts::negotiate(&mut taken.transport, u32::from(config.request_kib) * 1024)?;
    let device = Device::<B::Hal, _, QUEUE_SIZE>::new(taken.transport, &facts)?;
    let disk: &'static Disk<_, _, _, QUEUE_SIZE> = Box::leak(Box::new(Disk::new(scheduler, facts, device)));
    events.subscribe(taken.source, Box::new(|| disk.collect()))?;
    let Facts { blocks, block_size, is_read_only, .. } = facts;
    log::info!("{blocks} blocks of {block_size} bytes{}", if is_read_only { ", read-only" } else { "" });
    Ok(Provides { block_device: disk })
}
