#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

use alloc::{string::String, vec::Vec};
use core::fmt::Write;

use iface_clock::{Clock, Duration};
use iface_console::{Console, Writer};
use iface_scheduler::Scheduler;

/// How often the console is looked at.
const PERIOD: Duration = Duration::from_millis(5);

/// Settings, from `app.settings`: none.
pub struct Config {}

/// What it needs.
pub struct Needs<T, C, S> {
    /// Tells when to look again.
    pub clock: T,
    /// Where the line comes from and goes to.
    pub console: C,
    /// Sleeps meanwhile.
    pub scheduler: S,
}

/// Repeats a line.
pub fn main<T: Clock, C: Console, S: Scheduler>(_: &'static Config, needs: Needs<T, C, S>) {
    let mut out = Writer(needs.console);
    // Writing to a console does not fail.
    let _ = writeln!(out, "say something");
    let line = line(&needs);
    let _ = writeln!(out, "you said: {line}");
}

/// What is typed until the end of a line: a terminal may send a carriage return for it.
fn line<T: Clock, C: Console, S: Scheduler>(needs: &Needs<T, C, S>) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        match (needs.console.read(&mut byte), byte) {
            (0, _) => needs.scheduler.sleep_until(needs.clock.now() + PERIOD),
            (_, [b'\r' | b'\n']) => return String::from_utf8_lossy(&line).into_owned(),
            (_, [other]) => line.push(other),
        }
    }
}
