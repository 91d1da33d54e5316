#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "the rings and buffers are memory that a device writes")]

mod buffer;
mod circle;
mod memory;
mod negotiate;
mod outgoing;
mod queue;
mod request;
mod requests;
mod ring;
mod shared;
mod slots;

pub use buffer::Buffer;
pub use negotiate::{EVENT_IDX, NegotiateError, VERSION_1, negotiate};
pub use outgoing::Outgoing;
pub use request::{Request, UNANSWERED};
pub use requests::{Answered, Requests, Shape};
pub use ring::{Access, Ring, RingError, Used};
