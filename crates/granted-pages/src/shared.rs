#![expect(unsafe_code, reason = "another domain reads and writes the page")]

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};

use iface_grant_table::{Access, DomainId, GrantError, GrantTable, PAGE_SIZE, Reference};

use crate::error::PageError;
use crate::granted::GrantedPage;
use crate::page::Page;

const PAGE_WORDS: usize = PAGE_SIZE / size_of::<u64>();

/// A page that another domain may read and write at any time. Dropped, it stays allocated for ever: the other domain may
/// have it still.
#[derive(Debug)]
pub struct SharedPage(GrantedPage);

impl SharedPage {
    /// Lets `domain` read and write `page`.
    ///
    /// # Errors
    /// The page, and why it is not granted.
    pub fn new(grants: impl GrantTable, domain: DomainId, page: Page) -> Result<Self, (Page, GrantError)> {
        GrantedPage::new(grants, domain, page, Access::ReadWrite).map(Self)
    }

    /// A page of zeros, shared with `domain`.
    ///
    /// # Errors
    /// As [`PageError`] says; nothing is allocated then.
    pub fn allocate(grants: impl GrantTable, domain: DomainId) -> Result<Self, PageError> {
        let page = Page::new().ok_or(PageError::OutOfMemory)?;
        Self::new(grants, domain, page).map_err(|(_, error)| PageError::NotGranted(error))
    }

    /// By what the other domain names the page.
    #[inline]
    pub fn reference(&self) -> Reference {
        self.0.reference()
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.0.start()
    }

    /// Copies `bytes`, whole words of 8 and a page of them at most, to the beginning.
    ///
    /// # Panics
    /// In a debug build, where they are not; else the rest is left out.
    pub fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        debug_assert!(rest.is_empty() && words.len() <= PAGE_WORDS);
        for (place, word) in self.words().iter().zip(words) {
            place.store(u64::from_ne_bytes(*word), Ordering::Relaxed);
        }
    }

    /// Copies bytes from the beginning into `buffer`, whole words of 8 and a page of them at most. Each is read once: what is
    /// done with the copy does not depend on what the other domain writes meanwhile.
    ///
    /// # Panics
    /// As [`write`](Self::write).
    pub fn read(&self, buffer: &mut [u8]) {
        let (words, rest) = buffer.as_chunks_mut();
        debug_assert!(rest.is_empty() && words.len() <= PAGE_WORDS);
        for (word, place) in words.iter_mut().zip(self.words()) {
            *word = place.load(Ordering::Relaxed).to_ne_bytes();
        }
    }

    fn words(&self) -> &[AtomicU64; PAGE_WORDS] {
        // SAFETY: the page is aligned, was zeroed when it was allocated, and stays allocated while `self` lives. It is of
        // atomics, for which any value is valid, and with which accesses of the other domain do not race.
        unsafe { self.start().cast().as_ref() }
    }
}

impl From<SharedPage> for GrantedPage {
    #[inline]
    fn from(page: SharedPage) -> Self {
        page.0
    }
}
