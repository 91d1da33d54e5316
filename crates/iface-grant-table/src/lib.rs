#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "another domain reads and writes what it is granted")]

use core::fmt::{self, Display};
use core::ptr::NonNull;

pub use xen_abi::{DomainId, PAGE_SIZE, Reference};

/// What the other domain may do with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read it.
    Read,
    /// Read and write it.
    ReadWrite,
}

/// Why a page is not granted, or stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantError {
    /// Every entry of the table is in use.
    Full,
    /// The other domain holds the page still. The grant stays; it can be revoked later.
    InUse,
    /// The page's frame has a number that an entry does not hold: version 1 has 32 bits for it, so the page lies beyond 16 TiB.
    OutOfReach,
}

impl Display for GrantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the grant table is full",
            Self::InUse => "the other domain holds the page still",
            Self::OutOfReach => "the page lies beyond the 16 TiB that can be granted",
        })
    }
}

impl core::error::Error for GrantError {}

/// Memory that the domain shares with others (Xen, `public/grant_table.h`).
pub trait GrantTable: Copy + 'static {
    /// Lets `domain` use the page at `page`, which is page-aligned.
    ///
    /// # Errors
    /// [`GrantError::Full`] and [`GrantError::OutOfReach`].
    ///
    /// # Safety
    /// Until [`revoke`](GrantTable::revoke) succeeded, the page stays allocated, and Rust knows that somebody else writes
    /// it, or for [`Access::Read`] that somebody else may read it at any time.
    unsafe fn grant(
        &self,
        domain: DomainId,
        page: NonNull<u8>,
        access: Access,
    ) -> Result<Reference, GrantError>;

    /// Ends a grant. On success the other domain can neither read nor write the page from now on.
    ///
    /// # Errors
    /// [`GrantError::InUse`].
    ///
    /// # Panics
    /// Where `reference` names no grant of this table.
    fn revoke(&self, reference: Reference) -> Result<(), GrantError>;
}
