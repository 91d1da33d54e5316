#![expect(unsafe_code, reason = "another domain reads the page")]

use core::ptr::NonNull;

use iface_grant_table::{Access, DomainId, GrantError, GrantTable, PAGE_SIZE, Reference};

use crate::granted::GrantedPage;
use crate::page::Page;

/// A page that this domain writes and another one may read. Dropped, it stays allocated for ever, as
/// [`SharedPage`](crate::SharedPage).
#[derive(Debug)]
pub struct ReadablePage(GrantedPage);

impl ReadablePage {
    /// Lets `domain` read `page`.
    ///
    /// # Errors
    /// The page, and why it is not granted.
    pub fn new(grants: impl GrantTable, domain: DomainId, page: Page) -> Result<Self, (Page, GrantError)> {
        GrantedPage::new(grants, domain, page, Access::Read).map(Self)
    }

    /// By what the other domain names the page.
    #[inline]
    pub fn reference(&self) -> Reference {
        self.0.reference()
    }
}

impl AsMut<[u8]> for ReadablePage {
    #[inline]
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: the page is `self`'s, allocated and initialised, and stays so while `self` lives. The grant lets the other
        // domain read alone, so that in its eyes bytes change while it reads them, and in those of this domain none do.
        unsafe { NonNull::slice_from_raw_parts(self.0.start(), PAGE_SIZE).as_mut() }
    }
}

impl From<ReadablePage> for GrantedPage {
    fn from(page: ReadablePage) -> Self {
        page.0
    }
}
