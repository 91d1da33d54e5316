#![doc = include_str!("../README.md")]
#![no_std]

pub use iface_events::Source;
pub use virtio_drivers::transport::DeviceType;
use virtio_drivers::{Hal, transport::Transport};

/// A device that a driver took.
#[derive(Debug)]
pub struct Device<T> {
    /// How to talk to it.
    pub transport: T,
    /// What fires when it wants something.
    pub source: Source,
}

/// Why a driver got no device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeError {
    /// The machine has none of this kind, or another driver took it.
    Absent,
    /// There is one, and its transport cannot be used: a capability or register window is missing or malformed.
    Malformed,
    /// It has no interrupt that the platform can route.
    NoInterrupt,
}

impl core::fmt::Display for TakeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Absent => "the machine has no such virtio device",
            Self::Malformed => "the virtio device's transport is malformed",
            Self::NoInterrupt => "the virtio device has no usable interrupt",
        })
    }
}

impl core::error::Error for TakeError {}

/// Virtio devices over any transport (Virtual I/O Device (VIRTIO) 1.2, chapter 4).
pub trait VirtioBus: Copy + 'static {
    /// Memory and addresses as the devices see them.
    type Hal: Hal + 'static;
    /// How a device of this bus is talked to.
    type Transport: Transport + 'static;

    /// Takes the first device of `kind` that no one has taken.
    ///
    /// # Errors
    /// As [`TakeError`] says.
    fn take(&self, kind: DeviceType) -> Result<Device<Self::Transport>, TakeError>;
}
