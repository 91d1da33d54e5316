#![doc = include_str!("../README.md")]

pub mod cpio;
mod error;
pub mod manifest;
pub mod run;
pub mod sizes;
pub mod strip;

pub use error::Error;
