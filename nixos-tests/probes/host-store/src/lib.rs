#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt::Write;

use iface_console::{Console, Writer};
use iface_scheduler::Scheduler;
use iface_xenstore::{StoreError, Xenstore};

/// What the host changes.
const WORD: &str = "data/word";

/// No settings.
pub struct Config {}

/// What it needs.
pub struct Needs<C, S, X> {
    /// Where all goes.
    pub console: C,
    /// Parks between changes.
    pub scheduler: S,
    /// The store.
    pub xenstore: X,
}

/// Prints what the store says.
///
/// # Panics
/// Where the store does not say it.
pub fn main<C: Console, S: Scheduler, X: Xenstore>(_: &'static Config, needs: Needs<C, S, X>) {
    let Needs { console, scheduler, xenstore } = needs;
    let mut out = Writer(console);
    let name = xenstore.read("name").expect("a domain has a name");
    // Writing to a console does not fail.
    let _ = writeln!(out, "name: {}", name.escape_debug());
    let _ = writeln!(out, "devices: {}", devices(xenstore).expect("a domain may list its devices"));

    let thread = scheduler.current();
    let wake = Box::new(move |_: &str| scheduler.unpark(thread));
    xenstore.watch(WORD, wake).expect("a domain may watch its own nodes");
    let mut last = String::new();
    while last != "enough" {
        let word = value(xenstore).expect("a domain may read its own nodes");
        if word == last {
            scheduler.park(None);
        } else {
            let _ = writeln!(out, "{WORD}: {}", word.escape_debug());
            last = word;
        }
    }
}

/// The kinds of devices.
fn devices<X: Xenstore>(store: X) -> Result<String, StoreError> {
    match store.list("device") {
        Ok(mut kinds) => {
            kinds.sort();
            Ok(kinds.join(" "))
        }
        Err(StoreError::NotFound) => Ok("none".into()),
        Err(error) => Err(error),
    }
}

/// The word; empty while there is none.
fn value<X: Xenstore>(store: X) -> Result<String, StoreError> {
    match store.read(WORD) {
        Err(StoreError::NotFound) => Ok(String::new()),
        read => read,
    }
}
