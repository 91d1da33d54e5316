//! Hypercalls, through the page that Xen filled: `HYPERCALL_PAGE` of the linker script.

use core::ptr;

use xen_abi::{Call, Errno, Port, ShutdownReason};
use xen_sys::{SCHEDOP_poll, SCHEDOP_shutdown, hypercall_4, sched_poll, sched_shutdown};

/// Channels that can be waited for at once (`do_poll` of Xen's `common/sched/core.c`).
pub(crate) const MOST_POLLED: usize = 128;

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

/// Makes one of the calls that are told what to do by a number and a structure, which Xen reads and fills.
///
/// # Errors
/// What Xen returned, where that is negative.
///
/// # Safety
/// As for [`call`]; `argument` is the structure of that operation.
pub(crate) unsafe fn operation<T>(of: Call, number: u32, argument: &mut T) -> Result<usize, Errno> {
    let argument = ptr::from_mut(argument).expose_provenance();
    // SAFETY: the caller's.
    unsafe { call(of, [number as usize, argument, 0, 0]) }
}

/// Gives the processor up until a channel of `ports`, of which there are [`MOST_POLLED`] at most, is pending or Xen's
/// system time, in nanoseconds, is `deadline`. May return early.
pub(crate) fn poll(ports: &[Port], deadline: Option<u64>) {
    let mut poll = sched_poll {
        ports: ports.as_ptr().cast_mut().cast(),
        nr_ports: ports.len() as u32,
        timeout: timeout(deadline),
    };
    // SAFETY: Xen reads the ports.
    let _ = unsafe { operation(Call::Schedule, SCHEDOP_poll, &mut poll) };
}

/// A deadline as Xen takes it: 0 is none, and so is a time beyond 63 bits here, which is long past to Xen.
fn timeout(deadline: Option<u64>) -> u64 {
    deadline.filter(|deadline| *deadline <= i64::MAX as u64).map_or(0, |deadline| deadline.max(1))
}

/// Ends the domain.
pub(crate) fn shut_down(ShutdownReason(reason): ShutdownReason) -> ! {
    loop {
        // SAFETY: nothing of the image runs on.
        let _ = unsafe { operation(Call::Schedule, SCHEDOP_shutdown, &mut sched_shutdown { reason }) };
    }
}

#[cfg(test)]
mod tests {
    use super::timeout;

    #[test]
    fn a_deadline_is_never_taken_for_none_or_for_past() {
        assert_eq!(timeout(None), 0);
        assert_eq!(timeout(Some(0)), 1);
        assert_eq!(timeout(Some(1_000)), 1_000);
        assert_eq!(timeout(Some(u64::MAX)), 0);
    }
}
