#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "a stack is memory from the allocator whose first page is taken away")]

extern crate alloc;
#[cfg(test)]
extern crate std;

use alloc::alloc::{Layout, alloc, dealloc};
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::slice;

use iface_memory::{MemoryError, Stack};

/// Bytes of a page.
pub const PAGE_SIZE: usize = 4096;

/// The page tables, as far as guard pages go.
///
/// # Safety
/// An implementor answers for what it does: a guard page has the note that it was given with, and is ordinary memory
/// again when it is none any more.
pub unsafe trait Guards {
    /// Unmaps the page at `page`, and keeps `note` with it; false where that can't be done, and the page stays mapped.
    ///
    /// # Safety
    /// Nothing uses the page.
    unsafe fn guard(&self, page: usize, note: u32) -> bool;

    /// The note of the guard page that `address` is in.
    fn guarded(&self, address: usize) -> Option<u32>;

    /// Makes a guard page ordinary memory again; false where it is none, or that can't be done.
    fn unguard(&self, page: usize) -> bool;
}

/// A stack of at least `size` bytes, rounded up to whole pages, above a guard page.
///
/// # Errors
/// [`MemoryError::Exhausted`].
pub fn stack(guards: &impl Guards, size: usize) -> Result<Stack, MemoryError> {
    let pages = size.div_ceil(PAGE_SIZE).max(1);
    let note = u32::try_from(pages).map_err(|_| MemoryError::Exhausted)?;
    let layout = with_guard(pages).ok_or(MemoryError::Exhausted)?;
    // SAFETY: the layout has a size.
    let base = NonNull::new(unsafe { alloc(layout) }).ok_or(MemoryError::Exhausted)?;
    // SAFETY: the page was just allocated, and nobody else has it.
    if !unsafe { guards.guard(base.as_ptr() as usize, note) } {
        // SAFETY: as allocated above.
        unsafe { dealloc(base.as_ptr(), layout) };
        return Err(MemoryError::Exhausted);
    }
    // SAFETY: the pages after the first were allocated above and are nobody else's.
    Ok(unsafe {
        slice::from_raw_parts_mut(base.as_ptr().add(PAGE_SIZE).cast::<MaybeUninit<u8>>(), pages * PAGE_SIZE)
    })
}

/// Takes back a stack.
///
/// # Panics
/// When [`stack`] did not give it.
pub fn release(guards: &impl Guards, stack: Stack) {
    let base = (stack.as_ptr() as usize).wrapping_sub(PAGE_SIZE);
    let pages = stack.len() / PAGE_SIZE;
    let ours = guards.guarded(base) == Some(pages as u32) && stack.len() == pages * PAGE_SIZE && pages > 0;
    assert!(ours, "released memory that is no stack");
    assert!(guards.unguard(base), "a guard page stays one");
    // SAFETY: the guard page says that `stack` allocated it, with this many pages; whoever gives the reference up uses the
    // memory no more.
    unsafe {
        dealloc(base as *mut u8, Layout::from_size_align_unchecked((pages + 1) * PAGE_SIZE, PAGE_SIZE))
    };
}

/// `pages` and a guard page.
fn with_guard(pages: usize) -> Option<Layout> {
    Layout::from_size_align(pages.checked_add(1)?.checked_mul(PAGE_SIZE)?, PAGE_SIZE).ok()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::vec;
    use std::vec::Vec;

    use super::*;

    /// Guard pages that are only written down; `room` more of them can be made.
    struct Book {
        pages: RefCell<BTreeMap<usize, u32>>,
        room: usize,
    }

    fn book(room: usize) -> Book {
        Book { pages: RefCell::default(), room }
    }

    // SAFETY: notes are kept, and every page is ordinary memory all the time.
    unsafe impl Guards for Book {
        unsafe fn guard(&self, page: usize, note: u32) -> bool {
            let mut pages = self.pages.borrow_mut();
            pages.len() < self.room && pages.insert(page, note).is_none()
        }

        fn guarded(&self, address: usize) -> Option<u32> {
            self.pages.borrow().get(&(address & !(PAGE_SIZE - 1))).copied()
        }

        fn unguard(&self, page: usize) -> bool {
            self.pages.borrow_mut().remove(&page).is_some()
        }
    }

    #[test]
    fn a_stack_lies_above_its_guard_page() {
        let book = book(9);
        for (size, pages) in [(0, 1), (1, 1), (4096, 1), (4097, 2), (65536, 16)] {
            let given = stack(&book, size).unwrap();
            assert_eq!(given.len(), pages * PAGE_SIZE);
            assert_eq!(book.guarded(given.as_ptr() as usize - 1), Some(pages as u32));
            given.fill(MaybeUninit::new(0xa5));
            release(&book, given);
            assert!(book.pages.borrow().is_empty());
        }
    }

    #[test]
    fn what_cannot_be_had_is_exhausted() {
        assert_eq!(stack(&book(0), 4096).unwrap_err(), MemoryError::Exhausted, "no guard page");
        for size in [usize::MAX, usize::MAX / 2, (u32::MAX as usize + 1) * PAGE_SIZE] {
            assert_eq!(stack(&book(9), size).unwrap_err(), MemoryError::Exhausted, "{size:#x}");
        }
    }

    #[test]
    #[should_panic(expected = "no stack")]
    fn other_memory_is_refused() {
        let other: Vec<MaybeUninit<u8>> = vec![MaybeUninit::new(0); 2 * PAGE_SIZE];
        release(&book(9), other.leak());
    }

    #[test]
    #[should_panic(expected = "no stack")]
    fn a_part_of_a_stack_is_refused() {
        let book = book(9);
        let given = stack(&book, 2 * PAGE_SIZE).unwrap();
        release(&book, &mut given[..PAGE_SIZE]);
    }
}
