#![doc = include_str!("../README.md")]
#![expect(unsafe_code, reason = "a device reads and writes the memory that descriptors point at")]

mod bus;
mod hal;
mod queue;
mod transport;

pub use bus::FakeBus;
pub use hal::{FakeHal, Memory};
pub use queue::{Available, DeviceQueue};
pub use transport::{FakeTransport, QueueRegisters, Registers};
