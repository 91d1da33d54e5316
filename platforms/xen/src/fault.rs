//! The end of an image that went wrong: the report, then `SHUTDOWN_crash`.

use core::panic::PanicInfo;

use bare_x86_64::report::{self, Pages};
use panic_report::Once;
use x86_64::exception::Exception;
use xen_abi::ShutdownReason;

use crate::machine::machine;
use crate::{Xen, exit};

static REPORTED: Once = Once::new();

/// Reports a panic on the console, and ends the image.
pub fn panic(info: &PanicInfo<'_>) -> ! {
    once();
    report::panic(Xen, &Xen, info);
    exit::shut_down(ShutdownReason::CRASH)
}

/// Reports an exception on the console, and ends the image.
pub(crate) fn exception(exception: &Exception) -> ! {
    once();
    report::exception(Xen, &Xen, exception);
    exit::shut_down(ShutdownReason::CRASH)
}

/// Ends the image at once where a report goes wrong itself.
fn once() {
    if !REPORTED.first() {
        exit::now(ShutdownReason::CRASH);
    }
}

impl Pages for Xen {
    fn guarded(&self, address: u64) -> bool {
        machine().guarded(address).is_some()
    }

    fn writable(&self, address: u64) -> bool {
        machine().writable(address)
    }
}
