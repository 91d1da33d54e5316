#![doc = include_str!("../README.md")]
#![no_std]

use core::fmt::Write;

use iface_console::{Console, Writer};
use iface_platform::ExitStatus;

/// Settings, from `app.settings`.
pub struct Config {
    /// Whom to greet.
    pub name: &'static str,
}

/// What it needs: one field an interface.
pub struct Needs<C> {
    /// Where the line goes.
    pub console: C,
}

/// Greets.
pub fn main<C: Console>(config: &'static Config, needs: Needs<C>) -> ExitStatus {
    match writeln!(Writer(needs.console), "Hello, {}!", config.name) {
        Ok(()) => ExitStatus::SUCCESS,
        Err(_) => ExitStatus::FAILURE,
    }
}
