#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "memory is what page tables and loaders say it is")]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod address_space;
pub mod image;
mod information;
pub mod memory;
pub mod physical;
mod pieces;
pub mod report;

pub use information::{BootError, Fields, Found, MemoryMap, Region};
pub use pieces::Pieces;
