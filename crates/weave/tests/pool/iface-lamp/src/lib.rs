//! At most one provider.
#![no_std]

/// A lamp.
pub trait Lamp: 'static {
    /// Switches it.
    fn switch(&mut self, on: bool);
}

/// No lamp.
pub struct Absent;

impl Lamp for Absent {
    fn switch(&mut self, _on: bool) {}
}
