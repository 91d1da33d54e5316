//! Reading what a loader left in physical memory, none of which is trusted to lie where it should.

use core::slice;

use x86_64::paging::{self, Access};

use crate::BootError;
use crate::image::image;

/// The boot code's page tables reach to here, without memory for further ones.
const LIMIT: u64 = 1 << 30;
const LARGE_PAGE: u64 = 2 << 20;

/// Memory that a loader wrote to.
pub trait Physical {
    /// The `length` bytes at `address`, which stay as they are; `what` they are is for the error.
    ///
    /// # Errors
    /// [`BootError::Unreachable`].
    fn bytes(&self, what: &'static str, address: u64, length: u64) -> Result<&'static [u8], BootError>;

    /// The bytes from `address` to where memory ends, `limit` at most.
    ///
    /// # Errors
    /// [`BootError::Unreachable`].
    fn bytes_up_to(&self, what: &'static str, address: u64, limit: u64) -> Result<&'static [u8], BootError>;
}

/// The machine's memory.
#[derive(Debug)]
pub struct Machine(());

impl Machine {
    /// The memory.
    ///
    /// # Safety
    /// The allocator has no memory yet but some of the image, and whoever reads this one keeps it from what is read and used
    /// on.
    pub const unsafe fn new() -> Self {
        Self(())
    }
}

impl Physical for Machine {
    fn bytes(&self, what: &'static str, address: u64, length: u64) -> Result<&'static [u8], BootError> {
        // SAFETY: by the duty of whoever made this value the allocator has none of it.
        unsafe { bytes_below(LIMIT, address, length) }.ok_or(BootError::Unreachable { what, address })
    }

    fn bytes_up_to(&self, what: &'static str, address: u64, limit: u64) -> Result<&'static [u8], BootError> {
        let end = if address < image().start { image().start } else { LIMIT };
        self.bytes(what, address, limit.min(end.saturating_sub(address)))
    }
}

/// The `length` bytes at `address`, all of them below `limit`, and not in the image. `None` also where there is no memory
/// for the page tables that a place above the first gigabyte needs.
///
/// # Safety
/// The allocator has none of it, and is given none of it.
pub unsafe fn bytes_below(limit: u64, address: u64, length: u64) -> Option<&'static [u8]> {
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
    // have it, by the caller's duty.
    Some(unsafe { slice::from_raw_parts(address as *const u8, length as usize) })
}
