#![expect(unsafe_code, reason = "pages are allocated by their layout")]

use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use core::ptr::NonNull;

use iface_grant_table::PAGE_SIZE;

// SAFETY: the size is not zero, and the alignment a power of two that the size rounded up to does not overflow.
const LAYOUT: Layout = unsafe { Layout::from_size_align_unchecked(PAGE_SIZE, PAGE_SIZE) };

/// A page that this domain alone uses.
#[derive(Debug)]
pub struct Page(NonNull<u8>);

impl Page {
    /// A page of zeros; `None` where there is no memory.
    pub fn new() -> Option<Self> {
        // SAFETY: the layout has a size.
        NonNull::new(unsafe { alloc_zeroed(LAYOUT) }).map(Self)
    }

    /// Where it lies, at a multiple of [`PAGE_SIZE`].
    #[inline]
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.0
    }
}

impl AsRef<[u8]> for Page {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the page was allocated and zeroed by `new`, and belongs to `self` alone: while it is granted, it lies in
        // a `GrantedPage`, which does not give it out.
        unsafe { NonNull::slice_from_raw_parts(self.0, PAGE_SIZE).as_ref() }
    }
}

impl AsMut<[u8]> for Page {
    #[inline]
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_ref`.
        unsafe { NonNull::slice_from_raw_parts(self.0, PAGE_SIZE).as_mut() }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: `new` allocated it with this layout.
        unsafe { dealloc(self.0.as_ptr(), LAYOUT) }
    }
}
