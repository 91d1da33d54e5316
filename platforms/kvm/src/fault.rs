//! The end of an image that went wrong: the report, then status 134.

use core::panic::PanicInfo;

use bare_x86_64::report::{self, Pages};
use iface_platform::{ExitStatus, Platform};
use panic_report::Once;
use x86_64::exception::Exception;
use x86_64::paging;

use crate::{Kvm, exit};

static REPORTED: Once = Once::new();

/// Reports a panic on the console, and ends the image.
pub fn panic(info: &PanicInfo<'_>) -> ! {
    once();
    report::panic(Kvm, &Kvm, info);
    Kvm.exit(ExitStatus::PANIC)
}

/// Reports an exception on the console, and ends the image.
pub(crate) fn exception(exception: &Exception) -> ! {
    once();
    report::exception(Kvm, &Kvm, exception);
    Kvm.exit(ExitStatus::PANIC)
}

/// Ends the image at once where a report goes wrong itself.
fn once() {
    if !REPORTED.first() {
        exit::now(ExitStatus::PANIC);
    }
}

impl Pages for Kvm {
    fn guarded(&self, address: u64) -> bool {
        paging::guarded(address).is_some()
    }

    fn writable(&self, address: u64) -> bool {
        paging::writable(address)
    }
}
