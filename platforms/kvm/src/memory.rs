//! The machine's memory: given to the allocator, and mapped with the access each part needs.

use core::mem::MaybeUninit;
use core::ops::Range;
use core::slice;

use iface_allocator::Allocator;
use x86_64::cpuid;
use x86_64::paging::{self, ADDRESS_END, Access, MapError};

use crate::boot::{Found, Pieces, image, symbols};

/// What the boot code's page tables reach.
const GIBIBYTE: u64 = 1 << 30;
const LARGE_PAGE: u64 = 2 << 20;

/// Gives the memory of the first gigabyte to the allocator. It needs no memory for page tables.
pub(crate) fn hand_over<A: Allocator>(found: &Found, allocator: &'static A) -> Result<(), MapError> {
    hand_over_within(found, mapped_by_boot_code().start..GIBIBYTE, allocator)
}

/// Gives the memory above to the allocator. The page tables for it come from the allocator.
pub(crate) fn hand_over_high<A: Allocator>(found: &Found, allocator: &'static A) -> Result<(), MapError> {
    let end = found.memory.regions().filter(|region| region.usable).map(|region| region.range.end).max();
    if end.is_none_or(|end| end <= GIBIBYTE) {
        return Ok(());
    }
    if cpuid::has_gibibyte_pages() {
        paging::gibibyte_pages();
    }
    hand_over_within(found, GIBIBYTE..ADDRESS_END, allocator)
}

fn hand_over_within<A: Allocator>(
    found: &Found,
    within: Range<u64>,
    allocator: &'static A,
) -> Result<(), MapError> {
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
            // SAFETY: the piece is memory by the loader's map, it is mapped, and neither the image nor what the loader
            // left in it that is still needed, nor an earlier piece.
            let memory = unsafe {
                slice::from_raw_parts_mut(
                    piece.start as *mut MaybeUninit<u8>,
                    (piece.end - piece.start) as usize,
                )
            };
            allocator.add(memory);
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

/// What the boot code mapped, for everything: the large pages that hold the image.
fn mapped_by_boot_code() -> Range<u64> {
    0..image().end.next_multiple_of(LARGE_PAGE)
}

/// Gives each part of the image the access it needs, and unmaps `guards`.
pub(crate) fn protect_image(guards: &[u64]) -> Result<(), MapError> {
    let text = (&raw const symbols::unicore_text_start) as u64;
    let data = (&raw const symbols::unicore_data_start) as u64;
    // SAFETY: code, constants and data keep what they need; nothing uses the guard pages. What the loader left below the
    // image is only read.
    unsafe {
        paging::map(0..text, Access::Read)?;
        paging::map(text..data, Access::ReadExecute)?;
        paging::map(data..mapped_by_boot_code().end, Access::ReadWrite)?;
        for guard in guards {
            paging::guard(*guard, 0)?;
        }
    }
    Ok(())
}

/// Unmaps the first page, so that the use of a null pointer is an exception.
pub(crate) fn unmap_first_page() -> Result<(), MapError> {
    // SAFETY: what a loader left there was read, and copied where it is needed on.
    unsafe { paging::guard(0, 0) }
}
