//! The page tables that the processor uses.

use alloc::alloc::{Layout, alloc_zeroed};
use core::cell::RefCell;
use core::fmt::{self, Display};
use core::ops::Range;

use super::PAGE_SIZE;
use super::entry::{Access, Content, Entry, Table};
use super::pool::{allocate_page, clear_page, free_page};
use super::seen::Seen;
use super::space::{MapError, Space, Tables};
use super::window::{Backing, Window};
use crate::boot::TABLES;
use crate::single::SingleCore;

/// A range of more pages than this is flushed by reloading the root, which flushes all.
const FLUSH_SINGLY: u64 = 8;

/// Tables in the image and in memory from the global allocator, all of it mapped at its physical address.
struct Identity;

impl Tables for Identity {
    fn allocate(&mut self) -> Option<u64> {
        let layout = Layout::new::<Table>();
        // SAFETY: the layout has a size.
        let table = unsafe { alloc_zeroed(layout) };
        (!table.is_null()).then_some(table as u64)
    }

    fn table(&mut self, address: u64) -> &mut Table {
        // SAFETY: `Space` passes the address of the root or of a table that it linked, which the boot code or `allocate`
        // made. The borrow of `self` keeps it the only reference.
        unsafe { &mut *(address as *mut Table) }
    }
}

impl Backing for Identity {
    fn allocate(&mut self) -> Option<u64> {
        allocate_page()
    }

    fn free(&mut self, page: u64) {
        // SAFETY: `Window` frees what it allocated, and has taken it away from where it was.
        unsafe { free_page(page) };
    }

    fn clear(&mut self, page: u64) {
        // SAFETY: `Window` clears what it allocated, and whoever used the page has given up what it holds.
        unsafe { clear_page(page) };
    }

    fn entry(&self, table: u64, index: usize) -> Entry {
        // SAFETY: `Window` passes the address of the root or of a table that it found linked. The processor may write to
        // it meanwhile.
        unsafe { (table as *const Entry).add(index % 512).read_volatile() }
    }

    fn set(&mut self, table: u64, index: usize, entry: Entry) {
        // SAFETY: as for `entry`; no reference to a table lives while a window is worked on.
        unsafe { (table as *mut Entry).add(index % 512).write_volatile(entry) };
    }

    fn link(&mut self, table: u64, index: usize, page: u64) -> u64 {
        self.set(table, index, Entry::table(page));
        page
    }

    fn unlink(&mut self, table: u64, index: usize) -> u64 {
        let page = self.entry(table, index).address();
        self.set(table, index, Entry::EMPTY);
        page
    }

    fn finish(&mut self, forget: Option<Range<u64>>) {
        if let Some(range) = forget {
            flush(range);
        }
    }
}

// SAFETY: an image runs on one processor, and handlers of exceptions that return do not touch page tables.
static SPACE: SingleCore<RefCell<Option<Space<Identity>>>> = unsafe { SingleCore::new(RefCell::new(None)) };

fn with_space<R>(work: impl FnOnce(&mut Space<Identity>) -> R) -> R {
    let mut space = SPACE.borrow_mut();
    work(space.get_or_insert_with(|| Space::new(TABLES.root.get() as u64, false, Identity)))
}

/// Uses pages of 1 GiB from now on. The processor must have them ([`cpuid`](crate::cpuid::has_gibibyte_pages)).
pub fn gibibyte_pages() {
    *SPACE.borrow_mut() = Some(Space::new(TABLES.root.get() as u64, true, Identity));
}

/// Gives every page of `range` this access, and maps it where it was not.
///
/// # Errors
/// As [`MapError`] says.
///
/// # Safety
/// Code that runs keeps [`Access::ReadExecute`], data that is written [`Access::ReadWrite`], and memory that the image
/// or its allocator uses is not made anything else.
pub unsafe fn map(range: Range<u64>, access: Access) -> Result<(), MapError> {
    with_space(|space| space.set(range.clone(), Content::Mapped(access)))?;
    flush(range);
    Ok(())
}

/// Unmaps the page at `page`, and keeps `note` with it for [`guarded`].
///
/// # Errors
/// As [`MapError`] says.
///
/// # Safety
/// Nothing uses the page.
pub unsafe fn guard(page: u64, note: u32) -> Result<(), MapError> {
    with_space(|space| space.set(page..page + PAGE_SIZE, Content::Guard(note)))?;
    flush(page..page + PAGE_SIZE);
    Ok(())
}

/// The number given with [`guard`], where `address` is in a guard page.
pub fn guarded(address: u64) -> Option<u32> {
    with_space(|space| space.entry(address)).guard()
}

/// Why a guard page could not be made ordinary memory again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardError;

impl Display for GuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the page is no guard page")
    }
}

impl core::error::Error for GuardError {}

/// Makes the guard page at `page` ordinary memory again.
///
/// # Errors
/// [`GuardError`] where it is none.
pub fn unguard(page: u64) -> Result<(), GuardError> {
    guarded(page).ok_or(GuardError)?;
    let content = Content::Mapped(Access::ReadWrite);
    with_space(|space| space.set(page..page + PAGE_SIZE, content)).map_err(|_| GuardError)
}

/// Whether anything is mapped at `address`.
pub fn mapped(address: u64) -> bool {
    with_space(|space| space.entry(address)).is_present()
}

/// Whether there is ordinary memory, which may be written, at `address`.
pub fn writable(address: u64) -> bool {
    with_space(|space| space.entry(address)).is_memory()
}

/// The window that the processor uses.
fn window() -> Window<Identity> {
    Window::new(TABLES.root.get() as u64, Identity)
}

/// [`Window::map`] of the page tables in use.
///
/// # Errors
/// As there.
///
/// # Safety
/// Nobody uses what was there.
pub unsafe fn map_window(range: Range<u64>, access: Option<Access>) -> Result<(), MapError> {
    window().map(range, access)
}

/// [`Window::protect`] of the page tables in use.
///
/// # Errors
/// As there.
///
/// # Safety
/// Rust holds no reference into the range that the new access contradicts.
pub unsafe fn protect_window(range: Range<u64>, access: Option<Access>) -> Result<(), MapError> {
    window().protect(range, access)
}

// SAFETY: an image runs on one processor, and handlers of exceptions that return ask for nothing of it.
static SEEN: SingleCore<Seen> = unsafe { SingleCore::new(Seen::new()) };

/// [`Window::allows`] of the page tables in use.
pub fn allows(range: Range<u64>, write: bool) -> bool {
    SEEN.knows(&range, write) || look_up(range, write)
}

/// As [`allows`], by the tables themselves.
#[inline(never)]
fn look_up(range: Range<u64>, write: bool) -> bool {
    let allowed = window().allows(range.clone(), write);
    if allowed {
        SEEN.note(&range, write);
    }
    allowed
}

/// Has the processor forget what it knows about `range`.
fn flush(range: Range<u64>) {
    SEEN.forget();
    // SAFETY: forgetting cached entries changes nothing but time.
    unsafe {
        if range.end - range.start > FLUSH_SINGLY * PAGE_SIZE {
            x86::tlb::flush_all();
        } else {
            range.step_by(PAGE_SIZE as usize).for_each(|page| x86::tlb::flush(page as usize));
        }
    }
}
