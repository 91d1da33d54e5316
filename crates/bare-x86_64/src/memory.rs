//! The machine's memory: given to the allocator, and mapped with the access each part needs. The image runs on the page
//! tables that `x86_64::boot` made.

use core::fmt::{self, Display};
use core::mem::MaybeUninit;
use core::ops::Range;
use core::slice;

use x86_64::cpuid;
use x86_64::paging::{self, ADDRESS_END, Access, MapError, PAGE_SIZE};

use crate::image::{data_start, image, text_start};
use crate::{Found, Pieces};

/// Takes memory that is mapped for reading and writing, and nobody else's.
pub trait Give: FnMut(&'static mut [MaybeUninit<u8>]) {}

impl<G: FnMut(&'static mut [MaybeUninit<u8>])> Give for G {}

/// What the boot code's page tables reach.
const GIBIBYTE: u64 = 1 << 30;
const LARGE_PAGE: u64 = 2 << 20;

/// Hands memory to `give` that is the allocator's from then on: that of the first gigabyte, for which no memory for page
/// tables is needed.
///
/// # Errors
/// As [`MapError`] says.
///
/// # Safety
/// What was found is true: memory that the map says can be used is there. Nothing uses any of it but
/// [what is kept](Found::kept). This is called once.
pub unsafe fn hand_over(found: &Found, give: &mut dyn Give) -> Result<(), MapError> {
    // SAFETY: the caller's.
    unsafe { hand_over_within(found, 0..GIBIBYTE, give) }
}

/// Hands over the memory above. The page tables for it come from the global allocator.
///
/// # Errors
/// As [`MapError`] says.
///
/// # Safety
/// As for [`hand_over`].
pub unsafe fn hand_over_high(found: &Found, give: &mut dyn Give) -> Result<(), MapError> {
    let end = found.memory.regions().filter(|region| region.usable).map(|region| region.range.end).max();
    if end.is_none_or(|end| end <= GIBIBYTE) {
        return Ok(());
    }
    if cpuid::has_gibibyte_pages() {
        paging::gibibyte_pages();
    }
    // SAFETY: the caller's.
    unsafe { hand_over_within(found, GIBIBYTE..ADDRESS_END, give) }
}

/// # Safety
/// As for [`hand_over`].
unsafe fn hand_over_within(found: &Found, within: Range<u64>, give: &mut dyn Give) -> Result<(), MapError> {
    let regions = found.memory.regions();
    let kept = found.kept();
    for (index, region) in regions.clone().enumerate().filter(|(_, region)| region.usable) {
        let range = region.range.start.max(within.start)..region.range.end.min(within.end);
        if range.is_empty() {
            continue;
        }
        map_memory(&range)?;
        let reserved = regions.clone().filter(|other| !other.usable);
        // A map that names memory twice must not give it away twice.
        let holes =
            regions.clone().take(index).chain(reserved).map(|hole| hole.range).chain(kept.iter().cloned());
        for piece in Pieces::new(range, holes) {
            // SAFETY: the piece is memory by the loader's map, which the caller answers for; it is mapped, and neither the
            // image nor what the loader left in it that is still needed, nor an earlier piece.
            let memory = unsafe {
                slice::from_raw_parts_mut(
                    piece.start as *mut MaybeUninit<u8>,
                    (piece.end - piece.start) as usize,
                )
            };
            give(memory);
        }
    }
    Ok(())
}

/// Maps memory for reading and writing, in large pages: what lies between its end and the end of the page is memory that
/// the firmware keeps for itself, or nothing.
fn map_memory(range: &Range<u64>) -> Result<(), MapError> {
    let start = (range.start & !(LARGE_PAGE - 1)).max(mapped_by_boot_code().end);
    let end = range.end.checked_next_multiple_of(LARGE_PAGE).unwrap_or(ADDRESS_END).min(ADDRESS_END);
    if start < end {
        // SAFETY: the image is not in it.
        unsafe { paging::map(start..end, Access::ReadWrite)? };
    }
    Ok(())
}

/// Why an initrd is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitrdError {
    /// It is not in memory.
    NotInMemory,
    /// The page tables.
    Map(MapError),
}

impl Display for InitrdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInMemory => f.write_str("the loader put the initrd where there is no memory"),
            Self::Map(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for InitrdError {}

/// The initrd, readable; `None` where there is none, or it is empty.
///
/// # Errors
/// As [`InitrdError`] says.
///
/// # Safety
/// As for [`hand_over`], which was called.
pub unsafe fn map_initrd(found: &Found) -> Result<Option<&'static [u8]>, InitrdError> {
    let Some(initrd) = found.initrd.clone().filter(|initrd| !initrd.is_empty()) else { return Ok(None) };
    let in_memory = found
        .memory
        .regions()
        .any(|region| region.usable && region.range.start <= initrd.start && initrd.end <= region.range.end);
    let in_image = initrd.start < image().end && image().start < initrd.end;
    if !in_memory || in_image || initrd.start < PAGE_SIZE {
        return Err(InitrdError::NotInMemory);
    }
    let pages = initrd.start & !(PAGE_SIZE - 1)..initrd.end.next_multiple_of(PAGE_SIZE);
    // SAFETY: the pages hold the initrd and nothing of the image or its allocator.
    unsafe { paging::map(pages, Access::Read) }.map_err(InitrdError::Map)?;
    // SAFETY: it is in memory that is mapped, and that nothing writes any more.
    Ok(Some(unsafe {
        slice::from_raw_parts(initrd.start as *const u8, (initrd.end - initrd.start) as usize)
    }))
}

/// What the boot code mapped, for everything: the large pages that hold the image.
fn mapped_by_boot_code() -> Range<u64> {
    0..image().end.next_multiple_of(LARGE_PAGE)
}

/// Gives each part of the image the access it needs, and unmaps `guards`.
///
/// # Errors
/// As [`MapError`] says.
///
/// # Safety
/// Nothing uses the guard pages.
pub unsafe fn protect_image(guards: &[u64]) -> Result<(), MapError> {
    // SAFETY: code, constants and data keep what they need, and the caller answers for the guard pages. What the loader
    // left below the image is only read.
    unsafe {
        paging::map(0..text_start(), Access::Read)?;
        paging::map(text_start()..data_start(), Access::ReadExecute)?;
        paging::map(data_start()..mapped_by_boot_code().end, Access::ReadWrite)?;
        for guard in guards {
            paging::guard(*guard, 0)?;
        }
    }
    Ok(())
}

/// Unmaps the first page, so that the use of a null pointer is an exception.
///
/// # Errors
/// As [`MapError`] says.
///
/// # Safety
/// Nothing uses what a loader left there any more.
pub unsafe fn unmap_first_page() -> Result<(), MapError> {
    // SAFETY: the caller's.
    unsafe { paging::guard(0, 0) }
}
