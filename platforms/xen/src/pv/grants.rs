//! Where the domain's grant table lies (`public/grant_table.h`, `GNTTABOP_setup_table`).

use alloc::vec;
use alloc::vec::Vec;

use xen_abi::{Call, DomainId, Errno};
use xen_sys::xen_pfn_t;

const SETUP_TABLE: usize = 2;
const EINVAL: Errno = Errno(22);

/// `struct gnttab_setup_table`.
#[repr(C)]
struct SetupTable {
    domain: u16,
    frame_count: u32,
    status: i16,
    frames: *mut xen_pfn_t,
}

/// The machine frames of the table: the first `count`, to which it is grown where it is smaller.
pub(super) fn frames(count: usize) -> Result<Vec<xen_pfn_t>, Errno> {
    let mut frames = vec![0; count];
    let mut setup = SetupTable {
        domain: DomainId::SELF.0,
        frame_count: u32::try_from(count).map_err(|_| EINVAL)?,
        status: 0,
        frames: frames.as_mut_ptr(),
    };
    let arguments = [SETUP_TABLE, &raw mut setup as usize, 1, 0];
    // SAFETY: Xen reads and writes the structure, and writes as many frames as there is room for.
    unsafe { crate::hypercall::call(Call::GrantTable, arguments)? };
    // What else is told here has no number of its own: more frames were asked for than there may be.
    if setup.status == 0 { Ok(frames) } else { Err(EINVAL) }
}
