#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "the crate `log` wants a logger that several processors may use")]

extern crate alloc;

mod line;

use alloc::boxed::Box;
use core::fmt::{self, Write as _};

use iface_clock::{Clock, Instant};
use iface_console::Console;
use iface_log::Log;
use iface_platform::Platform;
use log::{LevelFilter, Metadata, Record};

use line::Line;

/// The least important messages that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// None at all.
    Off,
    /// Something is lost.
    Error,
    /// Something is wrong that can be lived with.
    Warn,
    /// What a user wants to see once.
    Info,
    /// Settings, and things that come and go.
    Debug,
    /// Each packet or request.
    Trace,
}

/// Settings, from `libs.logger`.
#[derive(Debug)]
pub struct Config {
    /// The least important messages that are written.
    pub level: Level,
}

/// What it needs.
#[derive(Debug)]
pub struct Needs<K, C, P> {
    /// Tells the time of a message.
    pub clock: K,
    /// Where messages go.
    pub console: C,
    /// Has the command line.
    pub platform: P,
}

/// What it provides.
#[derive(Debug)]
pub struct Provides<L> {
    /// The log.
    pub log: L,
}

/// Why it did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitError {
    /// Another logger was set before.
    Taken,
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken => f.write_str("another logger is set already"),
        }
    }
}

impl core::error::Error for InitError {}

/// Sends the messages of all rooms to the console from here on.
///
/// # Errors
/// [`InitError::Taken`].
pub fn init<K: Clock, C: Console, P: Platform>(
    config: &'static Config,
    needs: Needs<K, C, P>,
) -> Result<Provides<impl Log>, InitError> {
    let asked = needs.platform.command_line().setting("log");
    let level = asked.and_then(|word| word.parse().ok());
    let logger = Logger { clock: needs.clock, console: needs.console };
    log::set_logger(Box::leak(Box::new(logger))).map_err(|_| InitError::Taken)?;
    log::set_max_level(level.unwrap_or(filter(config.level)));
    if let (Some(word), None) = (asked, level) {
        log::warn!("log={word} is not a level: take off, error, warn, info, debug or trace");
    }
    Ok(Provides { log: Handle })
}

/// The log of the image; there is one.
#[derive(Clone, Copy, Debug)]
struct Handle;

impl Log for Handle {
    fn level(&self) -> LevelFilter {
        log::max_level()
    }
}

const fn filter(level: Level) -> LevelFilter {
    match level {
        Level::Off => LevelFilter::Off,
        Level::Error => LevelFilter::Error,
        Level::Warn => LevelFilter::Warn,
        Level::Info => LevelFilter::Info,
        Level::Debug => LevelFilter::Debug,
        Level::Trace => LevelFilter::Trace,
    }
}

struct Logger<K, C> {
    clock: K,
    console: C,
}

// SAFETY: an image runs on one processor and its interrupt entry code writes no messages, so the one thread that runs
// is the one that uses clock and console, as in every other room.
unsafe impl<K, C> Sync for Logger<K, C> {}
// SAFETY: as for `Sync`.
unsafe impl<K, C> Send for Logger<K, C> {}

impl<K: Clock, C: Console> log::Log for Logger<K, C> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            write(self.console, self.clock.now(), record);
        }
    }

    fn flush(&self) {}
}

fn write<C: Console>(console: C, now: Instant, record: &Record<'_>) {
    let microseconds = now.as_nanos() / 1000;
    let (seconds, fraction) = (microseconds / 1_000_000, microseconds % 1_000_000);
    let mut line = Line::new(console);
    // Writing to a line does not fail; a message whose own `Display` does is cut there.
    let _ =
        write!(line, "[{seconds:5}.{fraction:06}] {:5} {}: ", level(record.level()), Room(record.target()));
    let _ = line.message(*record.args());
    line.end();
}

fn level(level: log::Level) -> &'static str {
    match level {
        log::Level::Error => "error",
        log::Level::Warn => "warn",
        log::Level::Info => "info",
        log::Level::Debug => "debug",
        log::Level::Trace => "trace",
    }
}

/// The room whose code a module path names: its crate, with the room's hyphens.
struct Room<'a>(&'a str);

impl fmt::Display for Room<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.split("::").next().unwrap_or(self.0);
        name.chars().try_for_each(|c| f.write_char(if c == '_' { '-' } else { c }))
    }
}

#[cfg(test)]
mod tests;
