#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "the rings and buffers are memory that a device writes")]

mod buffer;
mod memory;
mod negotiate;
mod ring;
mod shared;

pub use buffer::Buffer;
pub use negotiate::{EVENT_IDX, NegotiateError, VERSION_1, negotiate};
pub use ring::{Access, Ring, RingError, Used};
