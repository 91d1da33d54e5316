//! Hypercalls, through the page that Xen filled: `HYPERCALL_PAGE` of the linker script.

use xen_abi::{Call, Errno};
use xen_sys::hypercall_4;

/// Makes hypercall `call`.
///
/// # Errors
/// What Xen returned, where that is negative.
///
/// # Safety
/// [`begin`](crate::machine::Machine::begin) was called. The arguments are those that the call takes (Xen's public headers),
/// and what Xen does for them leaves memory that Rust knows of as Rust knows it.
pub(crate) unsafe fn call(call: Call, arguments: [usize; 4]) -> Result<usize, Errno> {
    let [one, two, three, four] = arguments.map(|argument| argument as u64);
    // SAFETY: the caller's; a call takes four arguments at most here, and ignores those it does not take.
    let returned = unsafe { hypercall_4(call as u32, one, two, three, four) };
    Errno::check(returned as isize)
}
