//! The end of the domain.

use iface_platform::{CommandLine, ExitStatus, Platform};
use xen_abi::ShutdownReason;

use crate::{Xen, console, hypercall, init};

/// Reasons from here on mean nothing to Xen's tools, which tell them, and destroy the domain.
const FIRST_UNKNOWN_REASON: u32 = 128;
/// The highest status that a reason can carry: it has eight bits.
const LAST_STATUS: u8 = 127;

impl Platform for Xen {
    fn command_line(&self) -> CommandLine<'static> {
        init::command_line()
    }

    fn initrd(&self) -> Option<&'static [u8]> {
        init::initrd()
    }

    fn exit(&self, status: ExitStatus) -> ! {
        shut_down(reason(status))
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

fn reason(status: ExitStatus) -> ShutdownReason {
    match status {
        ExitStatus::SUCCESS => ShutdownReason::POWEROFF,
        ExitStatus::PANIC => ShutdownReason::CRASH,
        ExitStatus(status) => ShutdownReason(FIRST_UNKNOWN_REASON + u32::from(status.min(LAST_STATUS))),
    }
}

#[cfg(test)]
mod tests {
    use iface_platform::ExitStatus;

    use super::reason;

    /// Numbers of `public/sched.h`.
    #[test]
    fn a_reason_tells_the_status() {
        let reasons = [0, 1, 126, 127, 134, 255].map(|status| reason(ExitStatus(status)).0);
        assert_eq!(reasons, [0, 129, 254, 255, 3, 255]);
    }
}
