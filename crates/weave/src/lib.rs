#![doc = include_str!("../README.md")]

pub mod composition;
mod error;
pub mod glue;
mod layout;
mod literal;
mod manifest;
mod names;
mod workspace;

pub use error::Error;
pub use workspace::Pool;
