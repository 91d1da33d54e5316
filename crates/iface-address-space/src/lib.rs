#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "pages that are in use can be taken away")]

extern crate alloc;

pub mod conformance;

use core::fmt::{self, Display};
use core::ops::Range;

/// Bytes of a page.
pub const PAGE_SIZE: usize = 4096;

/// What may be done with pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Protection {
    /// Nothing: an access is an exception.
    None = 0,
    /// Reading.
    Read,
    /// Reading and writing.
    ReadWrite,
    /// Reading and executing.
    ReadExecute,
}

/// Why pages are not as was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// No memory, or no addresses.
    Exhausted,
    /// The range is not whole pages of the window.
    BadRange,
}

impl Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exhausted => "not enough memory is free",
            Self::BadRange => "the range is not whole pages of the window",
        })
    }
}

impl core::error::Error for AddressError {}

/// Pages of memory at addresses.
///
/// Each page of the [`window`](AddressSpace::window) has a protection and what it holds: at first [`Protection::None`], and
/// zeros. It takes memory from when something else than `None` is asked for until it is mapped anew or unmapped. Who uses
/// it keeps track of which ranges are in use.
///
/// A range without pages is a good one, of which nothing is done.
pub trait AddressSpace: Copy + 'static {
    /// The addresses at which pages may be: page-aligned, a GiB at least, and nobody else's.
    fn window(&self) -> Range<usize>;

    /// Puts zeroed pages at a range of the window, in place of what was there. With [`Protection::None`] no memory is
    /// taken yet.
    ///
    /// # Errors
    /// As [`AddressError`] says. Where memory is short, nothing is there then: all of it is as at first.
    ///
    /// # Safety
    /// Nobody uses what was there.
    unsafe fn map(&self, range: Range<usize>, protection: Protection) -> Result<(), AddressError>;

    /// Changes what may be done with the pages of a range, which keep what they hold.
    ///
    /// # Errors
    /// As [`AddressError`] says; then all of it is as before.
    ///
    /// # Safety
    /// Rust holds no reference into the range that the new protection contradicts.
    unsafe fn protect(&self, range: Range<usize>, protection: Protection) -> Result<(), AddressError>;

    /// Takes the pages of a range away: they are as at first.
    ///
    /// # Errors
    /// As for [`map`](AddressSpace::map).
    ///
    /// # Safety
    /// Nobody uses them any more.
    unsafe fn unmap(&self, range: Range<usize>) -> Result<(), AddressError> {
        // SAFETY: the caller's.
        unsafe { self.map(range, Protection::None) }
    }

    /// Whether every byte of `range` can be read (and written, where `write` says so) without an exception, in the window or
    /// in the image's own memory: what a system call asks of the buffers that it is given. Registers of devices are no
    /// memory.
    fn allows(&self, range: Range<usize>, write: bool) -> bool;
}
