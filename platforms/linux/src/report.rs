//! Reports on standard error of what ended the image too early.

use core::iter::successors;
use core::panic::PanicInfo;

use iface_platform::ExitStatus;
use panic_report::Once;

use crate::arch;
use crate::console::ErrorConsole;
use crate::system_call::{self, is_readable};

/// Frames in a backtrace at most.
const MOST_FRAMES: usize = 64;

static REPORT: Once = Once::new();

/// Reports a panic on standard error and ends the process with [`ExitStatus::PANIC`].
pub fn panic(info: &PanicInfo<'_>) -> ! {
    end(|| panic_report::report(ErrorConsole, info, frames(arch::frame_pointer())))
}

/// Reports, and ends the process with [`ExitStatus::PANIC`]; a report within a report only ends it.
pub(crate) fn end(report: impl FnOnce()) -> ! {
    if REPORT.first() {
        report();
    }
    system_call::exit(ExitStatus::PANIC.0)
}

/// Return addresses, innermost first: a frame pointer leads to the caller's frame pointer and, one word above, the
/// return address. Ends where the chain does not lead upwards through readable memory.
pub(crate) fn frames(frame_pointer: usize) -> impl Iterator<Item = usize> {
    let outer = |inner: &Frame| Frame::at(inner.caller).filter(|frame| frame.address > inner.address);
    successors(Frame::at(frame_pointer), outer).map(|frame| frame.return_address).take(MOST_FRAMES)
}

struct Frame {
    address: usize,
    caller: usize,
    return_address: usize,
}

impl Frame {
    fn at(address: usize) -> Option<Self> {
        let words = address as *const usize;
        if !words.is_aligned() || !is_readable(words) || !is_readable(words.wrapping_add(1)) {
            return None;
        }
        // SAFETY: both words are aligned and were found readable.
        let (caller, return_address) = unsafe { (words.read(), words.add(1).read()) };
        Some(Self { address, caller, return_address })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn a_chain_is_followed_to_its_end() {
        let mut stack = [0_usize; 6];
        let address = |index: usize, stack: &[usize; 6]| stack.as_ptr().wrapping_add(index).addr();
        stack[0] = address(4, &stack);
        stack[1] = 11;
        stack[5] = 22;
        assert_eq!(frames(address(0, &stack)).collect::<Vec<_>>(), [11, 22]);
    }

    #[test]
    fn a_broken_chain_ends_the_backtrace() {
        let mut stack = [0_usize; 2];
        for bad in [0, 8, 7, usize::MAX, usize::MAX - 7, stack.as_ptr().addr()] {
            stack[0] = bad;
            assert_eq!(frames(stack.as_ptr().addr()).count(), 1, "{bad:#x}");
        }
        assert_eq!(frames(8).count(), 0);
    }
}
