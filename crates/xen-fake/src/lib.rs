#![doc = include_str!("../README.md")]
#![expect(unsafe_code, reason = "a backend reads and writes the pages that it was granted")]

mod back;
mod channels;
mod grants;
mod store;
#[cfg(test)]
mod tests;

pub use back::BackRing;
pub use channels::FakeChannels;
pub use grants::{FakeGrantTable, Grant, Mapping};
pub use store::{FakeStore, FakeTransaction, Write};
