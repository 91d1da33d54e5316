//! The pages of a card that nobody has, and those that somebody does not give back.

use alloc::vec::Vec;

use granted_pages::{GrantedPage, Page, PageError, SharedPage, SharedRing};
use iface_grant_table::{DomainId, GrantTable};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::broken::LinkError;
use crate::frame::{Body, Frame};

/// Memory of a card beside what its rings have.
#[derive(Debug)]
pub(crate) struct Pool {
    free: Vec<Page>,
    /// Pages that a backend holds though it should be done with them. They are not used until it lets go.
    held: Vec<GrantedPage>,
    /// Memory for frames of several pages. One is under way at a time, so that one is kept.
    long: Vec<u8>,
    /// Pages there are, those held aside.
    owned: usize,
    /// Pages there should be.
    wanted: usize,
}

impl Pool {
    /// A pool that is to have `wanted` pages, and has none.
    pub(crate) const fn new(wanted: usize) -> Self {
        Self { free: Vec::new(), held: Vec::new(), long: Vec::new(), owned: 0, wanted }
    }

    /// Allocates what there should be and is not.
    ///
    /// # Errors
    /// [`PageError::OutOfMemory`], or [`LinkError::Held`]: in place of as many pages as there should be no others are
    /// allocated.
    pub(crate) fn refill(&mut self, grants: impl GrantTable) -> Result<(), LinkError> {
        self.retry(grants);
        if self.held.len() > self.wanted {
            return Err(LinkError::Held(self.held.len()));
        }
        self.free.try_reserve(self.wanted).map_err(|_| PageError::OutOfMemory)?;
        while self.owned < self.wanted {
            self.free.push(Page::new().ok_or(PageError::OutOfMemory)?);
            self.owned += 1;
        }
        Ok(())
    }

    /// A free page.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Page> {
        self.free.pop()
    }

    /// Puts a page to the free ones.
    #[inline]
    pub(crate) fn put(&mut self, page: Page) {
        self.free.push(page);
    }

    /// An empty ring in one of the pages, shared with `backend`.
    ///
    /// # Errors
    /// As [`PageError`] says.
    pub(crate) fn ring<Q: IntoBytes + Immutable, P: FromBytes + IntoBytes>(
        &mut self,
        grants: impl GrantTable,
        backend: DomainId,
    ) -> Result<SharedRing<Q, P>, PageError> {
        let page = self.take().ok_or(PageError::OutOfMemory)?;
        match SharedPage::new(grants, backend, page) {
            Ok(page) => Ok(SharedRing::new(page)),
            Err((page, error)) => {
                self.put(page);
                Err(PageError::NotGranted(error))
            }
        }
    }

    /// Takes `page` back; where its holder does not let go, it is kept apart.
    #[inline]
    pub(crate) fn take_back(
        &mut self,
        grants: impl GrantTable,
        page: impl Into<GrantedPage>,
    ) -> Option<Page> {
        match page.into().take_back(grants) {
            Ok(page) => Some(page),
            Err(held) => {
                self.owned -= 1;
                self.held.push(held);
                None
            }
        }
    }

    /// Takes `page` back to the free pages, as [`take_back`](Self::take_back).
    pub(crate) fn end(&mut self, grants: impl GrantTable, page: impl Into<GrantedPage>) {
        let page = self.take_back(grants, page);
        self.free.extend(page);
    }

    /// Asks again for pages that are held. What was replaced meanwhile is given back to the heap.
    pub(crate) fn retry(&mut self, grants: impl GrantTable) {
        for held in core::mem::take(&mut self.held) {
            match held.take_back(grants) {
                Ok(page) if self.owned < self.wanted => {
                    self.owned += 1;
                    self.free.push(page);
                }
                Ok(_) => {}
                Err(held) => self.held.push(held),
            }
        }
    }

    /// Pages that a backend holds though it should be done with them.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Empty memory for a frame of several pages.
    pub(crate) fn take_long(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.long)
    }

    /// Takes the memory of a frame.
    #[inline]
    pub(crate) fn recycle(&mut self, frame: Frame) {
        match frame.0 {
            Body::Page { page, .. } => self.put(page),
            Body::Gathered(mut bytes) => {
                bytes.clear();
                self.long = bytes;
            }
        }
    }
}
