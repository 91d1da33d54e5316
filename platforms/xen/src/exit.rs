//! The end of the domain.

use core::cell::Cell;

use iface_platform::{CommandLine, ExitStatus, Platform};
use x86_64::SingleCore;
use xen_abi::ShutdownReason;

use crate::{Xen, console, hypercall, init};

/// Reasons from here on mean nothing to Xen's tools, which tell them, and destroy the domain.
const FIRST_UNKNOWN_REASON: u32 = 128;
/// The highest status that a reason can carry: it has eight bits.
const LAST_STATUS: u8 = 127;

/// What the end tells in place of a status, where that was said.
// SAFETY: the image runs on one processor, and no handler that returns uses it.
static END: SingleCore<Cell<Option<ShutdownReason>>> = unsafe { SingleCore::new(Cell::new(None)) };

/// Has the image's end tell `reason`, unless it panics.
pub(crate) fn end_for(reason: ShutdownReason) {
    END.set(Some(reason));
}

impl Platform for Xen {
    fn command_line(&self) -> CommandLine<'static> {
        init::command_line()
    }

    fn initrd(&self) -> Option<&'static [u8]> {
        init::initrd()
    }

    fn exit(&self, status: ExitStatus) -> ! {
        shut_down(reason(status, END.get()))
    }
}

/// Ends the domain, after what was written to the console is out.
pub(crate) fn shut_down(reason: ShutdownReason) -> ! {
    console::drain();
    now(reason)
}

/// Ends the domain without a last word.
pub(crate) fn now(reason: ShutdownReason) -> ! {
    hypercall::shut_down(reason)
}

fn reason(status: ExitStatus, end: Option<ShutdownReason>) -> ShutdownReason {
    match (status, end) {
        (ExitStatus::PANIC, _) => ShutdownReason::CRASH,
        (_, Some(end)) => end,
        (ExitStatus::SUCCESS, None) => ShutdownReason::POWEROFF,
        (ExitStatus(status), None) => {
            ShutdownReason(FIRST_UNKNOWN_REASON + u32::from(status.min(LAST_STATUS)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of `public/sched.h`.
    #[test]
    fn a_reason_tells_the_status() {
        let reasons = [0, 1, 126, 127, 134, 255].map(|status| reason(ExitStatus(status), None).0);
        assert_eq!(reasons, [0, 129, 254, 255, 3, 255]);
    }

    #[test]
    fn what_the_end_was_said_to_tell_is_told_unless_of_a_panic() {
        let reasons = [0, 1, 143, 134].map(|status| reason(ExitStatus(status), Some(ShutdownReason::REBOOT)));
        let reboot = ShutdownReason::REBOOT;
        assert_eq!(reasons, [reboot, reboot, reboot, ShutdownReason::CRASH]);
    }
}
