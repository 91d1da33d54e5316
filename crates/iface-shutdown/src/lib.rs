#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

pub mod fake;
mod handlers;

use alloc::boxed::Box;
use core::fmt::{self, Display};

pub use handlers::Handlers;

/// What somebody wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// That the image ends.
    PowerOff,
    /// That it ends, and is started anew by whoever wishes that.
    Reboot,
    /// That it leaves what it does, as who sits at its console has it.
    Interrupt,
}

/// Called in thread context with each wish. It must not block.
pub type Handler = Box<dyn Fn(Wish)>;

/// Nobody can be heard who wishes that the image ends; the reason in a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unheard(pub &'static str);

impl Display for Unheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wishes that the image ends are not heard: {}", self.0)
    }
}

impl core::error::Error for Unheard {}

/// Hears of wishes that the image ends.
pub trait Shutdown: Copy + 'static {
    /// Has `handler` called with each wish. From the first handler on nothing else comes of a wish, but where a provider
    /// says so; every handler is called.
    ///
    /// # Errors
    /// As [`Unheard`] says; `handler` is dropped.
    fn on_wish(&self, handler: Handler) -> Result<(), Unheard>;
}

/// Stands for the provider where the image has none.
#[derive(Clone, Copy, Debug)]
pub enum Absent {}

impl Shutdown for Absent {
    fn on_wish(&self, _: Handler) -> Result<(), Unheard> {
        match *self {}
    }
}
