//! The application.
#![no_std]

use iface_sink::Sink;

/// Settings.
pub struct Config {
    /// What it calls itself.
    pub name: &'static str,
}

/// What it needs.
pub struct Needs<B, L> {
    /// Rung.
    pub bell: B,
    /// Switched on, if there is one.
    pub lamp: Option<L>,
    /// Told.
    pub sink: &'static [&'static dyn Sink],
}

/// Rings, shines and tells.
pub fn main<B: iface_bell::Bell, L: iface_lamp::Lamp>(config: &'static Config, needs: Needs<B, L>) {
    needs.bell.ring();
    if let Some(mut lamp) = needs.lamp {
        lamp.switch(true);
    }
    for sink in needs.sink {
        sink.take(config.name.as_bytes());
    }
}
