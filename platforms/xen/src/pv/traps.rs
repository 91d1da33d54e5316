//! Exceptions, which Xen delivers on the stack that raised them.

use x86_64::exception::{self, pv_stub};
use xen_abi::{Call, Errno};
use xen_sys::trap_info;

use crate::{fault, hypercall};

/// The selector of the code that Xen runs a domain's kernel in (`arch-x86/xen-x86_64.h`, `FLAT_KERNEL_CS`).
const KERNEL_CODE: u16 = 0xe033;
/// Events are off while it is handled (`arch-x86/xen.h`, `TI_SET_IF`).
const EVENTS_OFF: u8 = 1 << 2;
/// Vectors of exceptions (Intel SDM volume 3A, table 7-1).
const VECTORS: usize = 32;

/// Has [`fault::exception`] called for each exception.
pub(super) fn set() -> Result<(), Errno> {
    exception::set_handler(fault::exception);
    // The last one, with address 0, ends the table.
    let mut table = [trap_info { vector: 0, flags: 0, cs: 0, address: 0 }; VECTORS + 1];
    for (vector, entry) in (0..).zip(&mut table[..VECTORS]) {
        *entry = trap_info { vector, flags: EVENTS_OFF, cs: KERNEL_CODE, address: pv_stub(vector) };
    }
    // SAFETY: Xen reads the table, and keeps the addresses of the stubs, which never return.
    unsafe { hypercall::call(Call::SetTrapTable, [table.as_ptr() as usize, 0, 0, 0]) }.map(drop)
}
