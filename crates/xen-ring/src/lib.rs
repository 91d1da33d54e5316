#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "another domain writes the rings' memory")]

#[cfg(test)]
extern crate std;

mod bytes;
mod error;
mod front;
mod in_flight;
mod page;
mod word;

#[cfg(test)]
mod tests;

pub use bytes::{Receiver, Sender};
pub use error::{Full, Index, RingError};
pub use front::FrontRing;
pub use in_flight::InFlight;
