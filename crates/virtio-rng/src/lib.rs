#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod source;

use alloc::boxed::Box;

use iface_clock::Clock;
use iface_events::{Events, SubscribeError};
use iface_virtio_bus::{DeviceType, TakeError, VirtioBus};
use virtio_ring::{NegotiateError, RingError};

use source::Device;
pub use source::VirtioRng;

/// There is nothing to set.
#[derive(Debug)]
pub struct Config {}

/// What the driver needs.
#[derive(Debug)]
pub struct Needs<C, E, B> {
    /// How long a device may take.
    pub clock: C,
    /// Waiting for it.
    pub events: E,
    /// Where it is found.
    pub virtio_bus: B,
}

/// What the driver provides.
#[derive(Debug)]
pub struct Provides<R> {
    /// The source of random bytes.
    pub entropy: R,
}

/// Why there is no source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitError {
    /// The bus gave no device.
    Take(TakeError),
    /// Driver and device do not fit together.
    Negotiate(NegotiateError),
    /// The virtqueue cannot be set up.
    Ring(RingError),
    /// The device's interrupt cannot be waited for.
    Subscribe(SubscribeError),
}

impl core::fmt::Display for InitError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Take(TakeError::Absent) => {
                f.write_str("the machine has no entropy device; QEMU: -device virtio-rng-pci")
            }
            Self::Take(error) => error.fmt(f),
            Self::Negotiate(error) => error.fmt(f),
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

/// Takes the machine's first entropy device.
///
/// # Errors
/// As [`InitError`] says.
#[expect(clippy::type_complexity, reason = "the room's form, with the source's own type in it")]
pub fn init<C: Clock, E: Events, B: VirtioBus>(
    _config: &'static Config,
    needs: Needs<C, E, B>,
) -> Result<Provides<VirtioRng<C, E, B::Hal, B::Transport>>, InitError> {
    let Needs { clock, events, virtio_bus } = needs;
    let taken = virtio_bus.take(DeviceType::EntropySource)?;
    let device: &'static Device<_, _> = Box::leak(Box::new(Device::new(taken.transport)?));
    events.subscribe(taken.source, Box::new(|| device.acknowledge()))?;
    Ok(Provides { entropy: VirtioRng::new(clock, events, device) })
}
