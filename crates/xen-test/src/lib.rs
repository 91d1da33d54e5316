#![doc = include_str!("../README.md")]

mod failure;
mod host;
mod play;
mod scenario;

pub use failure::Failure;
pub use play::play;
pub use scenario::{Scenario, Step};
