#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod device;
mod error;
mod interface;
mod mac;

pub use device::{Frame, Tap};
pub use error::InitError;

use iface_platform::Platform;

/// Settings, from `libs.tap`.
#[derive(Debug)]
pub struct Config {
    /// Name of the interface.
    pub interface: &'static str,
    /// Received frames that the image holds at once.
    pub frames: u16,
}

/// What it needs.
pub struct Needs<P> {
    /// Has the settings `tap=` and `mac=`.
    pub platform: P,
}

/// What it provides.
#[derive(Debug)]
pub struct Provides {
    /// The interface.
    pub net_device: Tap,
}

/// Attaches to the interface.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<P: Platform>(config: &'static Config, needs: Needs<P>) -> Result<Provides, InitError> {
    let line = needs.platform.command_line();
    let name = line.setting("tap").unwrap_or(config.interface);
    let mac = match line.setting("mac") {
        Some(text) => mac::parse(text).ok_or(InitError::Mac)?,
        None => mac::random().map_err(InitError::Random)?,
    };
    let (fd, mtu) = interface::attach(name)?;
    Ok(Provides { net_device: Tap::new(fd, mac, mtu, config.frames.into()) })
}
