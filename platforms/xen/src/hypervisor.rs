//! Hypercalls, and the memory they are about, for other rooms.

use alloc::alloc::{Layout, alloc};
use core::ptr::NonNull;

use iface_hypervisor::{Call, Errno, Frame, Hypervisor, PAGE_SIZE, ShutdownReason, StorePage};

use crate::machine::{SharedPage, machine};
use crate::{Xen, exit, hypercall, init};

/// `ENOMEM` and `EINVAL` of `public/errno.h`.
const NO_MEMORY: Errno = Errno(12);
const INVALID: Errno = Errno(22);

// SAFETY: frames are those that the way to run tells, and what is mapped takes the place of pages that nothing else uses.
unsafe impl Hypervisor for Xen {
    unsafe fn call(&self, call: Call, arguments: [usize; 4]) -> Result<usize, Errno> {
        // SAFETY: the caller's.
        unsafe { hypercall::call(call, arguments) }
    }

    fn frame(&self, page: NonNull<u8>) -> Frame {
        machine().frame(page)
    }

    fn map_grant_table(&self, frames: usize) -> Result<NonNull<u8>, Errno> {
        let pages = pages_for(frames)?;
        machine().map_grant_table(pages, frames)?;
        Ok(pages)
    }

    fn store(&self) -> Option<StorePage> {
        init::store().map(|SharedPage { page, port }| StorePage { page, port })
    }

    fn end_for(&self, reason: ShutdownReason) {
        exit::end_for(reason);
    }

    fn shut_down(&self, reason: ShutdownReason) -> ! {
        exit::shut_down(reason)
    }
}

/// Pages from the allocator, which does not get them back, in whose place others come.
fn pages_for(frames: usize) -> Result<NonNull<u8>, Errno> {
    let size = frames.checked_mul(PAGE_SIZE).filter(|size| *size > 0).ok_or(INVALID)?;
    let layout = Layout::from_size_align(size, PAGE_SIZE).map_err(|_| INVALID)?;
    // SAFETY: the layout has a size.
    NonNull::new(unsafe { alloc(layout) }).ok_or(NO_MEMORY)
}
