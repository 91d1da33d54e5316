//! The end of an image that went wrong: the report, then status 134.

use core::arch::asm;
use core::fmt::Write;
use core::panic::PanicInfo;

use iface_console::Writer;
use iface_platform::{ExitStatus, Platform};
use panic_report::Once;
use x86_64::exception::Exception;
use x86_64::paging::{self, PAGE_SIZE};

use crate::{Kvm, exit};

static REPORTED: Once = Once::new();

/// Reports a panic on the console, and ends the image.
pub fn panic(info: &PanicInfo<'_>) -> ! {
    once();
    let frame_pointer: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rbp", out(reg) frame_pointer, options(nomem, nostack, preserves_flags)) };
    panic_report::report(Kvm, info, panic_report::frames(frame_pointer, word));
    Kvm.exit(ExitStatus::PANIC)
}

/// Reports an exception on the console, and ends the image.
pub(crate) fn exception(exception: &Exception) -> ! {
    once();
    let mut out = Writer(Kvm);
    // The console's writer never fails.
    let _ = writeln!(out, "exception: {exception}");
    match exception.address {
        Some(address) if address < PAGE_SIZE => {
            let _ = writeln!(out, "  a null pointer was used");
        }
        Some(address) if paging::guarded(address).is_some() => {
            let _ = writeln!(out, "  a stack overflowed");
        }
        _ => {}
    }
    panic_report::backtrace(Kvm, where_raised(exception));
    Kvm.exit(ExitStatus::PANIC)
}

/// The instruction, and the return addresses from there on. A call to where no code is has not made its frame yet: the
/// address to return to is on top of the stack.
fn where_raised(exception: &Exception) -> impl Iterator<Item = usize> {
    let went_astray = exception.address == Some(exception.instruction);
    let caller = if went_astray { word(exception.stack_pointer as usize) } else { None };
    let callers = panic_report::frames(exception.frame_pointer as usize, word);
    // As behind a call, as the others are: who looks up its line looks one byte before.
    core::iter::once((exception.instruction as usize).wrapping_add(1)).chain(caller).chain(callers)
}

/// Ends the image at once where a report goes wrong itself.
fn once() {
    if !REPORTED.first() {
        exit::now(ExitStatus::PANIC);
    }
}

/// The word at `address`, where there is ordinary memory.
fn word(address: usize) -> Option<usize> {
    let mapped = address.is_multiple_of(align_of::<usize>()) && paging::writable(address as u64);
    // SAFETY: the word is in ordinary memory, which may hold any value; it is read for the report alone.
    mapped.then(|| unsafe { (address as *const usize).read_volatile() })
}
