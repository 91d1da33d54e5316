//! The two ways a domain runs, as one: [`Pvh`](crate::pvh::Pvh) and [`Pv`](crate::pv::Pv) each implement [`Machine`], and
//! everything else of the platform calls it alone.
//!
//! The order of calls, from `init`: `begin`, `handle_exceptions`, `map_shared_info`, `console`, `set_up_memory`, `store`; then
//! the others, in any order. From `console` on the allocator has 32 KiB, which lie in the image, so that page
//! tables for the console's page can be made; all else comes with `set_up_memory`. Every call is made in thread context on the
//! one processor, but `guarded` and `writable`, which the report of an exception asks too.
//!
//! Every virtual address of the image and of memory that the allocator is given is the pseudo-physical one, in both.

use core::cell::Cell;
use core::ptr::NonNull;

use bare_x86_64::memory;
use x86_64::SingleCore;
use x86_64::paging::{GuardError, MapError};
use xen_abi::{Errno, Frame, Port};

use crate::InitError;

/// A page that the domain shares with another since it was built, and the channel that signals for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SharedPage {
    /// The page, mapped for reading and writing.
    pub page: NonNull<u8>,
    /// The channel, which Xen opened.
    pub port: Port,
}

/// What the domain was started with. It lies in memory that stays as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Started {
    pub command_line: &'static str,
    pub initrd: Option<&'static [u8]>,
}

impl Started {
    /// With no command line and no initrd.
    pub const NOTHING: Self = Self { command_line: "", initrd: None };
}

/// Takes memory for the allocator: mapped for reading and writing, and nobody else's.
pub(crate) type Give<'a> = &'a mut dyn memory::Give;

/// A way to run.
///
/// # Safety
/// An implementor answers for what it returns: memory that it gives is mapped and nobody else's, frames are those of
/// the pages asked for, and a shared page is valid for reads and writes as long as the image runs.
pub(crate) unsafe trait Machine: Sync {
    /// Writes what must be told before the console works, or where the domain has none, to whom it can.
    fn early_write(&self, bytes: &[u8]);

    /// Makes hypercalls possible, and keeps `start_info`, the address that Xen left at the entry.
    fn begin(&self, start_info: u64) -> Result<(), InitError>;

    /// Has `fault::exception` called for each exception, with interrupts and events off, on a stack other than the one that
    /// raised it where the way to run allows one.
    fn handle_exceptions(&self);

    /// Reads the start information. Gives all the domain's memory to `give` but what is in use: the image, the page tables,
    /// what the domain was started with, shared pages. Gives each part of the image the access it needs, none of it both
    /// writable and executable. Unmaps the first page and each page of `guards`, as [`guard`](Machine::guard) with note 0.
    /// Further page tables come from the global allocator, which has memory as soon as `give` was called.
    ///
    /// Returns what the domain was started with.
    fn set_up_memory(&self, give: Give<'_>, guards: &[u64]) -> Result<Started, InitError>;

    /// The page of the console's ring, mapped; `None` where the domain was built without.
    fn console(&self) -> Result<Option<SharedPage>, InitError>;

    /// The page of the store's ring, mapped; `None` where the domain was built without.
    fn store(&self) -> Result<Option<SharedPage>, InitError>;

    /// Puts the domain's `shared_info` (`public/xen.h`) in the place of `page`, which is a page of the image's `.bss`.
    fn map_shared_info(&self, page: NonNull<u8>) -> Result<(), Errno>;

    /// Puts the first `frames` frames of the domain's grant table, version 1, in the place of as many pages from `pages` on,
    /// which come from the allocator.
    fn map_grant_table(&self, pages: NonNull<u8>, frames: usize) -> Result<(), Errno>;

    /// The frame of the page of ordinary memory at `page`, which is page-aligned.
    fn frame(&self, page: NonNull<u8>) -> Frame;

    /// Unmaps the page at `page`, and keeps `note` with it for [`guarded`](Machine::guarded).
    ///
    /// # Errors
    /// As [`MapError`] says; then it stays mapped.
    ///
    /// # Safety
    /// Nothing uses the page.
    unsafe fn guard(&self, page: u64, note: u32) -> Result<(), MapError>;

    /// The note given with [`guard`](Machine::guard), where `address` is in a guard page.
    fn guarded(&self, address: u64) -> Option<u32>;

    /// Makes the guard page at `page` ordinary memory again, with the frame it had.
    ///
    /// # Errors
    /// [`GuardError`] where it is none.
    fn unguard(&self, page: u64) -> Result<(), GuardError>;

    /// Whether there is ordinary memory, which may be written, at `address`.
    fn writable(&self, address: u64) -> bool;
}

// SAFETY: the image runs on one processor; set before anything reads it.
static MACHINE: SingleCore<Cell<Option<&'static dyn Machine>>> = unsafe { SingleCore::new(Cell::new(None)) };

/// The way this domain runs.
///
/// # Panics
/// Before [`set`].
pub(crate) fn machine() -> &'static dyn Machine {
    MACHINE.get().expect("the entry says how the domain runs")
}

/// Says how this domain runs.
pub(crate) fn set(machine: &'static dyn Machine) {
    MACHINE.set(Some(machine));
}
