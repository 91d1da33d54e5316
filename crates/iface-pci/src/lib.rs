#![doc = include_str!("../README.md")]
#![no_std]

pub use iface_events::Source;

/// The place of a function: bus, device (0 to 31), function (0 to 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Bus.
    pub bus: u8,
    /// Device, 0 to 31.
    pub device: u8,
    /// Function, 0 to 7.
    pub function: u8,
}

/// PCI configuration space (PCI Local Bus Specification 3.0, chapter 6).
pub trait Pci: Copy + 'static {
    /// Whether there is a bus at all.
    fn present(&self) -> bool;

    /// Reads the double word at byte `offset`, a multiple of four under 256; all ones where there is no function.
    fn read(&self, address: Address, offset: u8) -> u32;

    /// Writes the double word at byte `offset`, a multiple of four under 256.
    fn write(&self, address: Address, offset: u8, value: u32);

    /// The event source that a function's interrupt pin is routed to; `None` where it has none.
    fn interrupt(&self, address: Address) -> Option<Source>;
}
