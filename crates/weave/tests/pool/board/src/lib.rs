//! An architecture.
#![no_std]

/// Settings.
pub struct Config {}

/// What it needs.
pub struct Needs {}

/// What it provides.
pub struct Provides {
    /// The bell on it.
    pub bell: Bell,
}

/// The bell on it.
#[derive(Clone, Copy)]
pub struct Bell;

impl iface_bell::Bell for Bell {
    fn ring(&self) {}
}

/// Starts it.
pub fn init(_config: &'static Config, _needs: Needs) -> Result<Provides, core::convert::Infallible> {
    Ok(Provides { bell: Bell })
}
