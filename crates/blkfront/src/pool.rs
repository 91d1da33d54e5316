//! Pages for data, shared with the backend for as long as the connection lasts.

use alloc::vec::Vec;

use granted_pages::{PageError, SharedPage};
use iface_grant_table::{DomainId, GrantTable};

/// Pages that are granted once and used over and over, the one used last first: a backend that keeps them mapped, but not
/// all of them, then keeps the right ones (`feature-persistent` of `blkif.h`).
pub(crate) struct Pool<G> {
    grants: G,
    backend: DomainId,
    free: Vec<SharedPage>,
    /// Pages that were made.
    made: usize,
    /// Most that are made.
    limit: usize,
}

impl<G: GrantTable> Pool<G> {
    /// A pool of up to `limit` pages, with one of them.
    ///
    /// # Errors
    /// As [`PageError`] says.
    pub(crate) fn new(grants: G, backend: DomainId, limit: usize) -> Result<Self, PageError> {
        let first = SharedPage::allocate(grants, backend)?;
        let mut free = Vec::new();
        free.try_reserve_exact(limit.max(1)).map_err(|_| PageError::OutOfMemory)?;
        free.push(first);
        Ok(Self { grants, backend, free, made: 1, limit })
    }

    /// Up to `count` pages, fewer where there are no more.
    pub(crate) fn take(&mut self, count: usize) -> Vec<SharedPage> {
        let mut taken = Vec::with_capacity(count.min(self.limit));
        taken.extend(core::iter::from_fn(|| self.take_one()).take(count));
        taken
    }

    fn take_one(&mut self) -> Option<SharedPage> {
        if let Some(page) = self.free.pop() {
            return Some(page);
        }
        if self.made >= self.limit {
            return None;
        }
        // Where there are no more of them, requests wait for each other's pages.
        let page = SharedPage::allocate(self.grants, self.backend).ok()?;
        self.made += 1;
        Some(page)
    }

    /// Takes a page that was lent.
    pub(crate) fn put(&mut self, page: SharedPage) {
        self.free.push(page);
    }

    /// Whether [`take`](Self::take) would give any.
    pub(crate) fn has_some(&self) -> bool {
        !self.free.is_empty()
    }

    /// The pages that were not lent.
    pub(crate) fn into_pages(self) -> Vec<SharedPage> {
        self.free
    }
}
