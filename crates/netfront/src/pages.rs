//! Pages of memory, and who may use them.
#![expect(unsafe_code, reason = "another domain reads and writes granted pages")]

use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use iface_grant_table::{Access, DomainId, GrantError, GrantTable, PAGE_SIZE, Reference};

// SAFETY: the size is not zero, and the alignment a power of two that the size rounded up to does not overflow.
const LAYOUT: Layout = unsafe { Layout::from_size_align_unchecked(PAGE_SIZE, PAGE_SIZE) };

/// A page that this domain alone uses.
#[derive(Debug)]
pub(crate) struct Page(NonNull<u8>);

impl Page {
    /// A page of zeros; `None` where there is no memory.
    pub(crate) fn new() -> Option<Self> {
        // SAFETY: the layout has a size.
        NonNull::new(unsafe { alloc_zeroed(LAYOUT) }).map(Self)
    }
}

impl AsRef<[u8]> for Page {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the page was allocated and zeroed by `new`, and belongs to `self` alone: while it is granted, it lies in
        // a `Lent`, which does not give it out.
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

/// A page that another domain may read and write. Dropped, it stays allocated for ever: the other domain may have it
/// still.
#[derive(Debug)]
pub(crate) struct Lent {
    page: ManuallyDrop<Page>,
    reference: Reference,
}

impl Lent {
    /// Lets `domain` read and write `page`.
    ///
    /// # Errors
    /// The page, and why it is not granted.
    pub(crate) fn new(
        grants: impl GrantTable,
        domain: DomainId,
        page: Page,
    ) -> Result<Self, (Page, GrantError)> {
        Self::with(grants, domain, page, Access::ReadWrite)
    }

    fn with(
        grants: impl GrantTable,
        domain: DomainId,
        page: Page,
        access: Access,
    ) -> Result<Self, (Page, GrantError)> {
        // SAFETY: the page is aligned by its layout. It is deallocated by the drop of `Page` alone, which comes only after
        // `take_back` saw the grant revoked; and no reference to it exists until then, but for pages that the other
        // domain may only read (`Readable`).
        match unsafe { grants.grant(domain, page.0, access) } {
            Ok(reference) => Ok(Self { page: ManuallyDrop::new(page), reference }),
            Err(error) => Err((page, error)),
        }
    }

    /// By what the other domain names the page.
    pub(crate) fn reference(&self) -> Reference {
        self.reference
    }

    /// Where the page lies.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.page.0
    }

    /// Ends the grant: nobody else reads or writes the page from now on.
    ///
    /// # Errors
    /// Itself, where the other domain holds the page still.
    pub(crate) fn take_back(self, grants: impl GrantTable) -> Result<Page, Self> {
        match grants.revoke(self.reference) {
            Ok(()) => Ok(ManuallyDrop::into_inner(self.page)),
            Err(_) => Err(self),
        }
    }
}

/// A page that this domain writes and another one may read.
#[derive(Debug)]
pub(crate) struct Readable(Lent);

impl Readable {
    /// Lets `domain` read `page`.
    ///
    /// # Errors
    /// As [`Lent::new`].
    pub(crate) fn new(
        grants: impl GrantTable,
        domain: DomainId,
        page: Page,
    ) -> Result<Self, (Page, GrantError)> {
        Lent::with(grants, domain, page, Access::Read).map(Self)
    }

    /// By what the other domain names the page.
    pub(crate) fn reference(&self) -> Reference {
        self.0.reference()
    }

    /// The page as one of those to be taken back.
    pub(crate) fn into_lent(self) -> Lent {
        self.0
    }
}

impl AsMut<[u8]> for Readable {
    #[inline]
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `Page::as_ref`; the grant lets the other domain read alone, so that in its eyes bytes change while
        // it reads them, and in those of this domain nothing does.
        unsafe { NonNull::slice_from_raw_parts(self.0.start(), PAGE_SIZE).as_mut() }
    }
}
