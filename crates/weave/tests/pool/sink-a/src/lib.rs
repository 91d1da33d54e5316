//! A sink.
#![no_std]

/// Settings.
pub struct Config {}

/// What it needs.
pub struct Needs {}

/// What it provides.
pub struct Provides {
    /// The sink.
    pub sink: Sink,
}

/// The sink.
#[derive(Clone, Copy)]
pub struct Sink;

impl iface_sink::Sink for Sink {
    fn take(&self, _bytes: &[u8]) {}
}

/// Starts it.
pub fn init(_config: &'static Config, _needs: Needs) -> Result<Provides, core::convert::Infallible> {
    Ok(Provides { sink: Sink })
}
