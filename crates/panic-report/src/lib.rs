#![doc = include_str!("../README.md")]
#![no_std]

use core::fmt::{Display, Write};
use core::panic::{Location, PanicInfo};
use core::sync::atomic::{AtomicBool, Ordering};

use iface_console::{Console, Writer};

/// Bytes of a word.
const WORD: usize = size_of::<usize>();
/// Frames in a backtrace at most.
const MOST_FRAMES: usize = 64;

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

/// Return addresses, innermost first, of the functions whose frames `frame_pointer` leads to: at a frame pointer lies
/// that of the caller, and one word above it the address to return to. This is so on every architecture where
/// functions keep a frame pointer.
///
/// `read` gives the word at an aligned address, and `None` where none can be read. The list ends there, at a frame
/// pointer of 0, and where the chain does not lead upwards, so that a broken one ends it too.
pub fn frames(frame_pointer: usize, read: impl Fn(usize) -> Option<usize>) -> impl Iterator<Item = usize> {
    let mut frame = frame_pointer;
    core::iter::from_fn(move || {
        let aligned = frame != 0 && frame.is_multiple_of(WORD);
        let above = frame.checked_add(WORD).filter(|_| aligned)?;
        let (caller, address) = (read(frame)?, read(above)?);
        frame = if caller > frame { caller } else { 0 };
        Some(address)
    })
    .take(MOST_FRAMES)
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
    use std::vec::Vec;

    use iface_console::Console;

    use super::{MOST_FRAMES, Once, WORD, backtrace, frames, message};

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

    /// What is found in a stack of these words, which begins at address 0x1000, from its first word on.
    fn found(words: &[usize]) -> Vec<usize> {
        let read = |address: usize| words.get(address.checked_sub(0x1000)? / WORD).copied();
        frames(0x1000, read).collect()
    }

    #[test]
    fn a_chain_is_followed_to_its_end() {
        assert_eq!(found(&[0x1000 + 3 * WORD, 11, 99, 0, 22]), [11, 22]);
        let endless: Vec<_> = (1..100).flat_map(|frame| [0x1000 + frame * 2 * WORD, frame]).collect();
        assert_eq!(found(&endless).len(), MOST_FRAMES);
    }

    #[test]
    fn a_broken_chain_ends_the_backtrace() {
        for broken in [0, 8, 0x1000, 0x1001, 0x1000 + 2 * WORD, 0x1000 + 3 * WORD, usize::MAX, usize::MAX - 7]
        {
            assert_eq!(found(&[broken, 11, 0x1000]), [11], "{broken:#x}");
        }
        assert_eq!(found(&[0]), []);
    }

    #[test]
    fn only_the_first_is_first() {
        let once = Once::new();
        assert!(once.first());
        assert!(!once.first());
        assert!(!once.first());
    }
}
