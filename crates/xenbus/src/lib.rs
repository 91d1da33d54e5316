#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod backoff;
mod device;
mod error;
mod frontend;
mod handshake;
mod keys;
mod look;
mod signal;
mod state;

pub use xen_abi::DomainId;

pub use device::{Device, Kind, devices};
pub use error::{Error, Stage};
pub use frontend::{Frontend, Gone};
pub use keys::Keys;
pub use look::{Backend, Seen};
pub use state::State;
