//! Pages at addresses of their own, by the page tables that the image keeps itself: what platforms provide as
//! `address-space`.

use core::ops::Range;

use iface_address_space::{AddressError, Protection};
use x86_64::paging::{self, Access, MapError};

/// The addresses at which pages may be.
pub fn window() -> Range<usize> {
    paging::WINDOW.start as usize..paging::WINDOW.end as usize
}

/// As `AddressSpace::map` says.
///
/// # Errors
/// As there.
///
/// # Safety
/// As there.
pub unsafe fn map(range: Range<usize>, protection: Protection) -> Result<(), AddressError> {
    // SAFETY: the caller's.
    unsafe { paging::map_window(addresses(range), access(protection)) }.map_err(error)
}

/// As `AddressSpace::protect` says.
///
/// # Errors
/// As there.
///
/// # Safety
/// As there.
pub unsafe fn protect(range: Range<usize>, protection: Protection) -> Result<(), AddressError> {
    // SAFETY: the caller's.
    unsafe { paging::protect_window(addresses(range), access(protection)) }.map_err(error)
}

/// As `AddressSpace::allows` says.
pub fn allows(range: Range<usize>, write: bool) -> bool {
    paging::allows(addresses(range), write)
}

/// A range as page tables have it.
pub fn addresses(range: Range<usize>) -> Range<u64> {
    range.start as u64..range.end as u64
}

/// What a protection is to page tables: none is no access.
pub fn access(protection: Protection) -> Option<Access> {
    match protection {
        Protection::None => None,
        Protection::Read => Some(Access::Read),
        Protection::ReadWrite => Some(Access::ReadWrite),
        Protection::ReadExecute => Some(Access::ReadExecute),
    }
}

/// An error of page tables as one of an address space.
pub fn error(error: MapError) -> AddressError {
    match error {
        MapError::OutOfMemory => AddressError::Exhausted,
        MapError::BadRange => AddressError::BadRange,
    }
}
