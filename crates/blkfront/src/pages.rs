//! Pages that the backend has too.
#![expect(unsafe_code, reason = "the backend reads and writes the pages that it was granted")]

use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use core::{
    fmt::{self, Display},
    ptr::NonNull,
    sync::atomic::{AtomicU64, Ordering},
};

use iface_grant_table::{Access, DomainId, GrantTable, PAGE_SIZE, Reference};

// SAFETY: the size is not zero, and the alignment a power of two that the size rounded up to does not overflow.
const LAYOUT: Layout = unsafe { Layout::from_size_align_unchecked(PAGE_SIZE, PAGE_SIZE) };

const PAGE_WORDS: usize = PAGE_SIZE / size_of::<u64>();

/// Why there is no page to share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageError {
    /// No memory.
    OutOfMemory,
    /// The grant table is full.
    NotGranted,
}

impl Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory => "no memory for a page that is shared with the backend",
            Self::NotGranted => "the grant table is full",
        })
    }
}

impl core::error::Error for PageError {}

/// A page that the backend may read and write at any time. Dropped, it stays allocated for ever: the backend may have it still.
#[derive(Debug)]
pub(crate) struct SharedPage {
    page: NonNull<u8>,
    reference: Reference,
}

impl SharedPage {
    /// A page of zeros, shared with `backend`.
    pub(crate) fn new(grants: impl GrantTable, backend: DomainId) -> Result<Self, PageError> {
        // SAFETY: the layout has a size.
        let page = NonNull::new(unsafe { alloc_zeroed(LAYOUT) }).ok_or(PageError::OutOfMemory)?;
        // SAFETY: the page is aligned by its layout. It is deallocated in `take_back` alone, after the grant was revoked, and
        // here where there is none; meanwhile there are references to it as atomic words alone.
        match unsafe { grants.grant(backend, page, Access::ReadWrite) } {
            Ok(reference) => Ok(Self { page, reference }),
            Err(_) => {
                // SAFETY: it was allocated above with this layout, and nobody else knows of it.
                unsafe { dealloc(page.as_ptr(), LAYOUT) };
                Err(PageError::NotGranted)
            }
        }
    }

    /// By what the backend names the page.
    pub(crate) fn reference(&self) -> Reference {
        self.reference
    }

    /// Where the page lies, for who accesses it as one that changes at any time.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.page
    }

    /// Copies `bytes`, whole words and a page of them at most, to the beginning.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        debug_assert!(rest.is_empty() && bytes.len() <= PAGE_SIZE);
        for (place, word) in self.words().iter().zip(words) {
            place.store(u64::from_ne_bytes(*word), Ordering::Relaxed);
        }
    }

    /// Copies bytes from the beginning into `buffer`, whole words and a page of them at most. Each is read once: what is done
    /// with the copy does not depend on what the backend writes meanwhile.
    pub(crate) fn read(&self, buffer: &mut [u8]) {
        let (words, rest) = buffer.as_chunks_mut();
        debug_assert!(rest.is_empty() && words.len() <= PAGE_WORDS);
        for (word, place) in words.iter_mut().zip(self.words()) {
            *word = place.load(Ordering::Relaxed).to_ne_bytes();
        }
    }

    fn words(&self) -> &[AtomicU64; PAGE_WORDS] {
        // SAFETY: the page is aligned, was zeroed when it was allocated, and stays allocated while `self` lives. It is of
        // atomics, for which any value is valid, and with which accesses of the backend do not race.
        unsafe { self.page.cast().as_ref() }
    }

    /// Ends the grant and frees the page.
    ///
    /// # Errors
    /// Itself, where the backend holds the page still.
    pub(crate) fn take_back(self, grants: impl GrantTable) -> Result<(), Self> {
        match grants.revoke(self.reference) {
            Ok(()) => {
                // SAFETY: `new` allocated it with this layout; the backend can't access it any more, and `self` is gone.
                unsafe { dealloc(self.page.as_ptr(), LAYOUT) };
                Ok(())
            }
            Err(_) => Err(self),
        }
    }
}
