#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod error;
mod granted;
mod page;
mod readable;
mod ring;
mod shared;

#[cfg(test)]
mod tests;

pub use error::PageError;
pub use granted::GrantedPage;
pub use page::Page;
pub use readable::ReadablePage;
pub use ring::SharedRing;
pub use shared::SharedPage;
