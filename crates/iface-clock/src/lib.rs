#![doc = include_str!("../README.md")]
#![no_std]

pub use core::time::Duration;

pub mod fake;

/// A point in time: nanoseconds since the image started. 64 bits last 584 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// When the image started.
    pub const START: Self = Self(0);

    /// The point `nanoseconds` after the start.
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to here; zero where `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl core::ops::Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at the end of time.
    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(later.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Monotonic and wall-clock time.
pub trait Clock: Copy + 'static {
    /// Now. Never less than what an earlier call returned.
    fn now(&self) -> Instant;

    /// Time since 1970-01-01 00:00 UTC, leap seconds left out (POSIX.1-2017, section 4.16); `None` where the
    /// platform does not tell it.
    fn wall_clock(&self) -> Option<Duration>;
}
