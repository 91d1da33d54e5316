#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "device registers are mapped, and memory is given to devices")]

extern crate alloc;

mod bus;
mod capabilities;
mod hal;
mod pci;
mod scan;
mod transport;
mod window;

use alloc::boxed::Box;

use iface_dma::Dma;
use iface_pci::Pci;
use iface_platform::Platform;

pub use bus::Bus;
pub use hal::DmaHal;
pub use pci::PciTransport;
pub use transport::AnyTransport;
use window::WindowError;

/// There is nothing to set.
#[derive(Debug)]
pub struct Config {}

/// What the bus needs.
#[derive(Debug)]
pub struct Needs<D, P, F> {
    /// Memory for virtqueues, and mappings of registers.
    pub dma: D,
    /// Where most devices are.
    pub pci: P,
    /// Whose command line names register windows.
    pub platform: F,
}

/// What the bus provides.
#[derive(Debug)]
pub struct Provides<B> {
    /// The devices.
    pub virtio_bus: B,
}

/// Why there is no bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitError {
    /// A `virtio_mmio.device` of the command line is malformed.
    Malformed(&'static str),
    /// A `virtio_mmio.device` of the command line overlaps an earlier one.
    Overlap(&'static str),
}

impl core::fmt::Display for InitError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Malformed(value) => {
                write!(f, "virtio_mmio.device={value}: expected <size>@<address>:<interrupt>")
            }
            Self::Overlap(value) => write!(f, "virtio_mmio.device={value} overlaps an earlier one"),
        }
    }
}

impl core::error::Error for InitError {}

impl From<WindowError> for InitError {
    fn from(error: WindowError) -> Self {
        match error {
            WindowError::Malformed(value) => Self::Malformed(value),
            WindowError::Overlap(value) => Self::Overlap(value),
        }
    }
}

/// Reads the command line. Devices are looked for when drivers ask.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<D: Dma, P: Pci, F: Platform>(
    _config: &'static Config,
    needs: Needs<D, P, F>,
) -> Result<Provides<Bus<D, P>>, InitError> {
    let windows = window::windows(needs.platform.command_line())?;
    let bus = Bus::new(needs.pci, Box::leak(Box::new(windows.into())));
    Ok(Provides { virtio_bus: bus })
}
