#![expect(unsafe_code, reason = "another domain accesses a granted page")]

use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use iface_grant_table::{Access, DomainId, GrantError, GrantTable, Reference};

use crate::page::Page;

/// A page and its grant, for taking it back: what a [`SharedPage`](crate::SharedPage), a
/// [`ReadablePage`](crate::ReadablePage) or a [`SharedRing`](crate::SharedRing) becomes when this domain is done with it.
/// Dropped, it stays allocated for ever: the other domain may have it still.
#[derive(Debug)]
pub struct GrantedPage {
    page: ManuallyDrop<Page>,
    reference: Reference,
}

impl GrantedPage {
    /// Grants `page` to `domain`.
    ///
    /// # Errors
    /// The page, and why it is not granted.
    pub(crate) fn new(
        grants: impl GrantTable,
        domain: DomainId,
        page: Page,
        access: Access,
    ) -> Result<Self, (Page, GrantError)> {
        // SAFETY: the page is aligned. It is deallocated by the drop of `Page` alone, which comes only after `take_back` saw
        // the grant end. Until then `SharedPage` and `SharedRing` refer to it by atomics alone, and `ReadablePage`, whose page is
        // granted to be read, by ordinary memory.
        match unsafe { grants.grant(domain, page.start(), access) } {
            Ok(reference) => Ok(Self { page: ManuallyDrop::new(page), reference }),
            Err(error) => Err((page, error)),
        }
    }

    #[inline]
    pub(crate) fn reference(&self) -> Reference {
        self.reference
    }

    #[inline]
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.page.start()
    }

    /// Ends the grant: nobody else accesses the page from now on.
    ///
    /// # Errors
    /// Itself, where the other domain holds the page still.
    #[inline]
    pub fn take_back(self, grants: impl GrantTable) -> Result<Page, Self> {
        match grants.revoke(self.reference) {
            Ok(()) => Ok(ManuallyDrop::into_inner(self.page)),
            Err(_) => Err(self),
        }
    }
}
