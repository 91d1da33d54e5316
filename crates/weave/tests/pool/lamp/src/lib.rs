//! A lamp that has one owner.
#![no_std]

/// Settings.
pub struct Config<const BULBS: usize> {
    /// What shines through it.
    pub slide: &'static [u8],
    /// What else does.
    pub slides: &'static [&'static [u8]],
    /// At the start.
    pub brightness: Option<u8>,
    /// Shown on it.
    pub label: &'static str,
    /// Seconds of each state.
    pub pattern: &'static [u16],
    /// Whether it is on at the start.
    pub on: bool,
}

/// What it needs.
pub struct Needs {}

/// What it provides.
pub struct Provides<const BULBS: usize> {
    /// The lamp.
    pub lamp: Lamp<BULBS>,
}

/// The lamp.
pub struct Lamp<const BULBS: usize>([bool; BULBS]);

impl<const BULBS: usize> iface_lamp::Lamp for Lamp<BULBS> {
    fn switch(&mut self, on: bool) {
        self.0 = [on; BULBS];
    }
}

/// Starts it.
pub fn init<const BULBS: usize>(
    config: &'static Config<BULBS>,
    _needs: Needs,
) -> Result<Provides<BULBS>, core::convert::Infallible> {
    Ok(Provides { lamp: Lamp([config.on; BULBS]) })
}
