//! ACPI tables (Advanced Configuration and Power Interface Specification 6.5). What they say is checked as what a loader
//! says is.

mod button;
mod fixed;
mod interrupts;
mod power;

use core::ops::Range;

use bare_x86_64::{Fields, physical};
use x86_64::paging::PAGE_SIZE;

use crate::init;

pub(crate) use button::PowerButton;
pub(crate) use interrupts::{IoApicPlace, io_apics};
pub(crate) use power::soft_off;

/// Where the root pointer lies where the loader does not say (section 5.2.5.1).
const ROOT_POINTER_AREA: Range<u64> = 0xe_0000..0x10_0000;
/// Bytes of the header that every table begins with (section 5.2.6).
const HEADER: u64 = 36;
/// A longer table is malformed.
const TABLE_LIMIT: u64 = 1 << 20;

/// The table with this signature.
fn table(signature: &[u8; 4]) -> Option<&'static [u8]> {
    let (root, width) = root_table()?;
    let entries = root.get(HEADER as usize..)?.chunks_exact(width);
    entries
        .filter_map(|entry| match width {
            8 => entry.u64_at(0),
            _ => entry.u32_at(0).map(u64::from),
        })
        .filter_map(whole_table)
        .find(|table| table.starts_with(signature))
}

/// The table of tables, and the width of its entries in bytes.
fn root_table() -> Option<(&'static [u8], usize)> {
    let pointer = root_pointer()?;
    let revision = *pointer.get(15)?;
    match pointer.u64_at(24) {
        Some(extended) if revision >= 2 && extended != 0 => Some((whole_table(extended)?, 8)),
        _ => Some((whole_table(u64::from(pointer.u32_at(16)?))?, 4)),
    }
}

/// The root pointer (section 5.2.5.3).
fn root_pointer() -> Option<&'static [u8]> {
    const SIZE: u64 = 36;
    if let Some(address) = init::rsdp() {
        return bytes(address, SIZE).filter(|pointer| is_root_pointer(pointer));
    }
    let area = bytes(ROOT_POINTER_AREA.start, ROOT_POINTER_AREA.end - ROOT_POINTER_AREA.start)?;
    (0..area.len())
        .step_by(16)
        .filter_map(|at| area.get(at..at + SIZE as usize))
        .find(|at| is_root_pointer(at))
}

fn is_root_pointer(pointer: &[u8]) -> bool {
    pointer.starts_with(b"RSD PTR ") && sums_to_zero(&pointer[..20])
}

/// The table at `address`, as long as its header says.
fn whole_table(address: u64) -> Option<&'static [u8]> {
    let length = u64::from(bytes(address, HEADER)?.u32_at(4)?);
    let table = bytes(address, Some(length).filter(|length| (HEADER..=TABLE_LIMIT).contains(length))?)?;
    sums_to_zero(table).then_some(table)
}

fn sums_to_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) == 0
}

fn bytes(address: u64, length: u64) -> Option<&'static [u8]> {
    const FOUR_GIBIBYTES: u64 = 1 << 32;
    // Nothing is mapped in the first page, and no table is trusted to lie in memory that the allocator was given.
    let is_foreign = address >= PAGE_SIZE && !init::is_memory(&(address..address.checked_add(length)?));
    // SAFETY: it is no memory of the image, so the allocator has none of it.
    is_foreign.then(|| unsafe { physical::bytes_below(FOUR_GIBIBYTES, address, length) })?
}
