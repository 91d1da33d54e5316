//! Reading what a loader left in physical memory, none of which is trusted to lie where it should.

use core::ops::Range;
use core::slice;

use x86_64::paging::{self, Access};

use super::BootError;

/// The boot code's page tables reach to here, without memory for further ones.
const LIMIT: u64 = 1 << 30;
const LARGE_PAGE: u64 = 2 << 20;

/// Symbols of the linker script.
pub(crate) mod symbols {
    unsafe extern "C" {
        pub static unicore_image_start: u8;
        pub static unicore_text_start: u8;
        pub static unicore_data_start: u8;
        /// The guard page below the stack that the image starts on.
        pub static unicore_boot_stack: u8;
        pub static unicore_image_end: u8;
    }
}

/// Where the image lies.
pub(crate) fn image() -> Range<u64> {
    (&raw const symbols::unicore_image_start) as u64..(&raw const symbols::unicore_image_end) as u64
}

/// Memory that a loader wrote to.
pub(super) trait Physical {
    /// The `length` bytes at `address`, which stay as they are; `what` they are is for the error.
    fn bytes(&self, what: &'static str, address: u64, length: u64) -> Result<&'static [u8], BootError>;

    /// The bytes from `address` to where memory ends, `limit` at most.
    fn bytes_up_to(&self, what: &'static str, address: u64, limit: u64) -> Result<&'static [u8], BootError>;
}

/// The machine's memory. Whoever reads it keeps the allocator from what it still uses.
pub(super) struct Machine;

impl Physical for Machine {
    fn bytes(&self, what: &'static str, address: u64, length: u64) -> Result<&'static [u8], BootError> {
        bytes_below(LIMIT, address, length).ok_or(BootError::Unreachable { what, address })
    }

    fn bytes_up_to(&self, what: &'static str, address: u64, limit: u64) -> Result<&'static [u8], BootError> {
        let end = if address < image().start { image().start } else { LIMIT };
        self.bytes(what, address, limit.min(end.saturating_sub(address)))
    }
}

/// The `length` bytes at `address`, all of them below `limit`, and not in the image. `None` also where there is no memory
/// for the page tables that a place above the first gigabyte needs. Once the allocator has memory, the caller asks
/// for none of it.
pub(crate) fn bytes_below(limit: u64, address: u64, length: u64) -> Option<&'static [u8]> {
    let end = address.checked_add(length).filter(|end| *end <= limit)?;
    if address == 0 || (address < image().end && image().start < end) {
        return None;
    }
    for page in (address & !(LARGE_PAGE - 1)..end).step_by(LARGE_PAGE as usize) {
        if !paging::mapped(page.max(address)) {
            // SAFETY: nothing was there, and nothing becomes writable or executable.
            unsafe { paging::map(page..page + LARGE_PAGE, Access::Read) }.ok()?;
        }
    }
    // SAFETY: the range is mapped, is not in the image, so that no Rust object lies there, and the allocator does not
    // have it: it is either not told of any memory yet, or the caller made sure that this is not memory for the image.
    Some(unsafe { slice::from_raw_parts(address as *const u8, length as usize) })
}
