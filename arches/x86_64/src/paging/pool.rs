//! Pages for the window and its tables, from the global allocator.

use alloc::alloc::{Layout, alloc, dealloc};
use core::alloc::GlobalAlloc;
use core::arch::asm;
use core::cell::RefCell;
use core::ptr::{NonNull, with_exposed_provenance_mut};

use page_chunks::{Pages, Spare};

use super::PAGE_SIZE;
use crate::single::SingleCore;

/// The image's allocator.
struct Global;

// SAFETY: the allocator's own functions, with the arguments as they came.
unsafe impl GlobalAlloc for Global {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's duty is the same.
        unsafe { alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's duty is the same.
        unsafe { dealloc(pointer, layout) }
    }
}

/// What a program that takes all it can get leaves to the rest of the image: buffers for some connections at least.
const SPARE: Spare = Spare { part: 64, least: 192 << 10, most: 1 << 20 };

// SAFETY: an image runs on one processor, and handlers of exceptions that return do not touch page tables.
static PAGES: SingleCore<RefCell<Pages<Global>>> =
    unsafe { SingleCore::new(RefCell::new(Pages::new(Global, SPARE))) };

/// A page of zeros.
pub fn allocate_page() -> Option<u64> {
    let page = PAGES.borrow_mut().allocate()?;
    zero(page);
    Some(page.expose_provenance().get() as u64)
}

/// Fills a page of [`allocate_page`] with zeros again.
///
/// # Safety
/// It is one, and nobody uses what it holds.
pub unsafe fn clear_page(page: u64) {
    if let Some(page) = NonNull::new(with_exposed_provenance_mut(page as usize)) {
        zero(page);
    }
}

/// Fills an allocated page with zeros.
///
/// A string instruction would be shorter, but takes up to 6 µs where QEMU emulates it, and this 0.8.
fn zero(page: NonNull<u8>) {
    // SAFETY: writes the page from its end to its beginning.
    unsafe {
        asm!(
            "pxor {zero}, {zero}",
            "2:",
            "movaps [{page} + {rest} - 16], {zero}",
            "movaps [{page} + {rest} - 32], {zero}",
            "movaps [{page} + {rest} - 48], {zero}",
            "movaps [{page} + {rest} - 64], {zero}",
            "sub {rest}, 64",
            "jnz 2b",
            zero = out(xmm_reg) _,
            page = in(reg) page.as_ptr(),
            rest = inout(reg) PAGE_SIZE => _,
            options(nostack),
        );
    }
}

/// Gives a page of [`allocate_page`] back.
///
/// # Safety
/// It is one, and nobody uses it any more.
pub unsafe fn free_page(page: u64) {
    if let Some(page) = NonNull::new(with_exposed_provenance_mut(page as usize)) {
        // SAFETY: the caller's.
        unsafe { PAGES.borrow_mut().free(page) };
    }
}
