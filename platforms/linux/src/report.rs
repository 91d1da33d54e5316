//! Reports on standard error of what ended the image too early.

use core::panic::PanicInfo;

use iface_platform::ExitStatus;
use panic_report::Once;

use crate::arch;
use crate::console::ErrorConsole;
use crate::system_call::{self, is_readable};

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

/// Return addresses, innermost first.
pub(crate) fn frames(frame_pointer: usize) -> impl Iterator<Item = usize> {
    panic_report::frames(frame_pointer, word)
}

/// The word at an address, where there is memory.
pub(crate) fn word(address: usize) -> Option<usize> {
    let word = address as *const usize;
    // SAFETY: the word is aligned and was found readable; it may hold any value.
    (word.is_aligned() && is_readable(word)).then(|| unsafe { word.read_volatile() })
}
