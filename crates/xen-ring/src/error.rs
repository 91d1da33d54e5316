//! What goes wrong with a ring.

use core::fmt::{self, Display};

/// The ring has no place for a further request now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the ring is full")
    }
}

impl core::error::Error for Full {}

/// An index that the other domain writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// How many responses there were: `rsp_prod` of a request ring.
    Responses,
    /// How many bytes were written into a byte ring.
    Producer,
    /// How many bytes were taken out of a byte ring.
    Consumer,
}

impl Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Responses => "response producer",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        })
    }
}

/// The other domain set an index that the ring's state rules out. Indices run freely and wrap at 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingError {
    /// Which.
    pub index: Index,
    /// What it was.
    pub value: u32,
    /// The least that it could have been.
    pub least: u32,
    /// The most that it could have been, `least` and what the ring holds; less than `least` where that wraps.
    pub most: u32,
}

impl RingError {
    /// `value`, where it is within `least..=most` on the circle of 32-bit numbers.
    pub(crate) fn check(index: Index, value: u32, least: u32, most: u32) -> Result<u32, Self> {
        if value.wrapping_sub(least) <= most.wrapping_sub(least) {
            Ok(value)
        } else {
            Err(Self { index, value, least, most })
        }
    }
}

impl Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, value, least, most } = self;
        write!(f, "the other domain's {index} index is {value}, which is not within {least} to {most}")
    }
}

impl core::error::Error for RingError {}
