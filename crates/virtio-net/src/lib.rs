#![doc = include_str!("../README.md")]
#![no_std]

mod card;
mod header;

use iface_allocator::Allocator;
use iface_virtio_bus::{DeviceType, TakeError, VirtioBus};
use virtio_ring::{NegotiateError, RingError};

pub use card::{Card, Frame};

/// Settings of the card.
#[derive(Debug)]
pub struct Config<const QUEUE_SIZE: usize> {
    /// Bytes of a receive buffer: the longest packet and 26.
    pub receive_buffer_size: u16,
}

/// What the driver needs.
pub struct Needs<A: 'static, B> {
    /// Tells how much memory the image has.
    pub allocator: &'static A,
    /// Where the card is found.
    pub virtio_bus: B,
}

/// What the driver provides.
pub struct Provides<N> {
    /// The card.
    pub net_device: N,
}

/// Why there is no card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitError {
    /// The bus gave none.
    Take(TakeError),
    /// Driver and device do not fit together.
    Negotiate(NegotiateError),
    /// A virtqueue cannot be set up.
    Ring(RingError),
    /// The device does not tell its address (`VIRTIO_NET_F_MAC`).
    NoAddress,
    /// A legacy device that wants header and frame in descriptors of their own (no `VIRTIO_F_ANY_LAYOUT`).
    SplitHeaders,
}

impl core::fmt::Display for InitError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Take(TakeError::Absent) => f.write_str(
                "the machine has no network card of virtio: give it one (QEMU: -device virtio-net-pci)",
            ),
            Self::Take(error) => error.fmt(f),
            Self::Negotiate(error) => error.fmt(f),
            Self::Ring(error @ RingError::TooShort { .. }) => {
                write!(f, "{error}; choose fewer with libs.virtio-net.queueSize")
            }
            Self::Ring(error) => error.fmt(f),
            Self::NoAddress => f.write_str("the device does not tell its MAC address"),
            Self::SplitHeaders => {
                f.write_str("the legacy device wants each header in a descriptor of its own")
            }
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

/// The part of the image's memory that transmit buffers may take.
const PART_OF_MEMORY: usize = 64;

/// Takes the machine's first virtio network card.
///
/// # Errors
/// As [`InitError`] says.
#[expect(clippy::type_complexity, reason = "the room's form, with the card's own type in it")]
pub fn init<A: Allocator, B: VirtioBus, const QUEUE_SIZE: usize>(
    config: &'static Config<QUEUE_SIZE>,
    needs: Needs<A, B>,
) -> Result<Provides<Card<B::Hal, B::Transport, QUEUE_SIZE>>, InitError> {
    let device = needs.virtio_bus.take(DeviceType::Network)?;
    let transmit_memory = needs.allocator.usage().total / PART_OF_MEMORY;
    let card = Card::new(device, config.receive_buffer_size.into(), transmit_memory)?;
    Ok(Provides { net_device: card })
}
