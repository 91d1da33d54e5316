#![doc = include_str!("../README.md")]
#![no_std]

pub use log::LevelFilter;

/// The image's log.
pub trait Log: Copy + 'static {
    /// The least important messages that are kept.
    fn level(&self) -> LevelFilter;
}

/// Stands for a log where the image has none.
#[derive(Clone, Copy, Debug)]
pub enum Absent {}

impl Log for Absent {
    fn level(&self) -> LevelFilter {
        match *self {}
    }
}
