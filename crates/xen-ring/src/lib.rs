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
#[cfg(not(test))]
mod watch;
mod word;

#[cfg(test)]
mod tests;
#[cfg(test)]
use tests::watch;

pub use bytes::{Receiver, Sender};
pub use error::{Full, Index, RingError};
pub use front::FrontRing;
pub use in_flight::InFlight;
