//! The end of an image that went wrong: the report, then status 134.

use core::arch::asm;
use core::fmt::Write;
use core::ops::Range;
use core::panic::PanicInfo;

use iface_console::Writer;
use iface_platform::{ExitStatus, Platform};
use panic_report::Once;
use x86_64::exception::Exception;
use x86_64::paging::PAGE_SIZE;
use x86_64::{backtrace, paging};

use crate::boot::symbols::{unicore_data_start, unicore_text_start};
use crate::{Kvm, exit};

/// Most lines of a backtrace.
const DEPTH: usize = 32;

static REPORTED: Once = Once::new();

/// Reports a panic on the console, and ends the image.
pub fn panic(info: &PanicInfo<'_>) -> ! {
    once();
    let stack_pointer: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) stack_pointer, options(nomem, nostack, preserves_flags)) };
    panic_report::report(Kvm, info, frames(stack_pointer));
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
    let instruction = exception.instruction as usize;
    let callers = frames(above_guard(exception.stack_pointer) as usize);
    panic_report::backtrace(Kvm, core::iter::once(instruction).chain(callers));
    Kvm.exit(ExitStatus::PANIC)
}

/// Ends the image at once where a report goes wrong itself.
fn once() {
    if !REPORTED.first() {
        exit::now(ExitStatus::PANIC);
    }
}

/// Where the stack begins whose pointer may have run into the guard page below it.
fn above_guard(stack_pointer: u64) -> u64 {
    match paging::guarded(stack_pointer) {
        Some(_) => (stack_pointer & !(PAGE_SIZE - 1)) + PAGE_SIZE,
        None => stack_pointer,
    }
}

/// Return addresses from `stack_pointer` on, as far as there is memory.
fn frames(stack_pointer: usize) -> impl Iterator<Item = usize> {
    let text = text();
    let read = |address: usize| {
        let mapped = address.is_multiple_of(8) && paging::writable(address as u64);
        // SAFETY: the word is in ordinary memory, which may hold any value; it is read for the report alone.
        mapped.then(|| unsafe { (address as *const usize).read_volatile() })
    };
    // SAFETY: `scan` asks for bytes of `text` alone, which are mapped and never change.
    let code = |address: usize| unsafe { (address as *const u8).read() };
    backtrace::scan(stack_pointer, text, read, code).take(DEPTH)
}

/// The image's code.
fn text() -> Range<usize> {
    (&raw const unicore_text_start) as usize..(&raw const unicore_data_start) as usize
}
