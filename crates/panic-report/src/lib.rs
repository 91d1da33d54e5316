#![doc = include_str!("../README.md")]
#![no_std]

use core::fmt::{Display, Write};
use core::panic::{Location, PanicInfo};
use core::sync::atomic::{AtomicBool, Ordering};

use iface_console::{Console, Writer};

/// Reports a panic: message, place, backtrace. `frames` are the return addresses, innermost first.
pub fn report(console: impl Console, info: &PanicInfo<'_>, frames: impl IntoIterator<Item = usize>) {
    message(console, info.message(), info.location());
    backtrace(console, frames);
}

/// Writes the backtrace alone.
pub fn backtrace(console: impl Console, frames: impl IntoIterator<Item = usize>) {
    let mut out = Writer(console);
    // A console's writer never fails.
    let _ = out.write_str("backtrace:\n");
    for address in frames {
        let _ = writeln!(out, "  {address:#x}");
    }
}

fn message(console: impl Console, message: impl Display, location: Option<&Location<'_>>) {
    let mut out = Writer(console);
    let _ = writeln!(out, "panic: {message}");
    if let Some(location) = location {
        let _ = writeln!(out, "  at {location}");
    }
}

/// Says to one caller that it is the first.
#[derive(Debug, Default)]
pub struct Once(AtomicBool);

impl Once {
    /// Nobody has called yet.
    pub const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Whether this is the first call. A report that panics itself finds out here, and stops.
    pub fn first(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::cell::RefCell;
    use std::panic::Location;
    use std::string::String;

    use iface_console::Console;

    use super::{Once, backtrace, message};

    #[derive(Clone, Copy)]
    struct Screen<'a>(&'a RefCell<String>);

    impl Console for Screen<'static> {
        fn write(&self, bytes: &[u8]) {
            self.0.borrow_mut().push_str(core::str::from_utf8(bytes).unwrap());
        }

        fn read(&self, _: &mut [u8]) -> usize {
            0
        }
    }

    fn screen() -> Screen<'static> {
        Screen(std::boxed::Box::leak(std::boxed::Box::default()))
    }

    #[test]
    fn message_and_place_are_told() {
        let screen = screen();
        let here = Location::caller();
        message(screen, format_args!("{} of {}", 7, 3), Some(here));
        assert_eq!(*screen.0.borrow(), std::format!("panic: 7 of 3\n  at {here}\n"));
    }

    #[test]
    fn a_backtrace_has_one_address_a_line() {
        let screen = screen();
        backtrace(screen, [0x10_1234, 0x10_5678]);
        assert_eq!(*screen.0.borrow(), "backtrace:\n  0x101234\n  0x105678\n");
    }

    #[test]
    fn only_the_first_is_first() {
        let once = Once::new();
        assert!(once.first());
        assert!(!once.first());
        assert!(!once.first());
    }
}
