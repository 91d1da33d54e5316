//! What is said of an image that went wrong: a panic, or an exception, which is never expected.

use core::arch::asm;
use core::fmt::Write;
use core::panic::PanicInfo;

use iface_console::{Console, Writer};
use x86_64::exception::Exception;
use x86_64::paging::PAGE_SIZE;

/// What the page tables say.
pub trait Pages {
    /// Whether `address` is in a guard page below a stack.
    fn guarded(&self, address: u64) -> bool;

    /// Whether there is ordinary memory, which may be written, at `address`.
    fn writable(&self, address: u64) -> bool;
}

/// Reports a panic on `console`.
#[inline(always)]
pub fn panic(console: impl Console, pages: &impl Pages, info: &PanicInfo<'_>) {
    let frame_pointer: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rbp", out(reg) frame_pointer, options(nomem, nostack, preserves_flags)) };
    panic_report::report(console, info, panic_report::frames(frame_pointer, |address| word(pages, address)));
}

/// Reports an exception on `console`.
pub fn exception(console: impl Console, pages: &impl Pages, exception: &Exception) {
    let mut out = Writer(console);
    // The console's writer never fails.
    let _ = writeln!(out, "exception: {exception}");
    match exception.address {
        Some(address) if address < PAGE_SIZE => {
            let _ = writeln!(out, "  a null pointer was used");
        }
        Some(address) if pages.guarded(address) => {
            let _ = writeln!(out, "  a stack overflowed");
        }
        _ => {}
    }
    panic_report::backtrace(console, where_raised(pages, exception));
}

/// The instruction, and the return addresses from there on. A call to where no code is has not made its frame yet: the
/// address to return to is on top of the stack.
fn where_raised(pages: &impl Pages, exception: &Exception) -> impl Iterator<Item = usize> {
    let went_astray = exception.address == Some(exception.instruction);
    let caller = if went_astray { word(pages, exception.stack_pointer as usize) } else { None };
    let callers = panic_report::frames(exception.frame_pointer as usize, |address| word(pages, address));
    // As behind a call, as the others are: who looks up its line looks one byte before.
    core::iter::once((exception.instruction as usize).wrapping_add(1)).chain(caller).chain(callers)
}

/// The word at `address`, where there is ordinary memory.
fn word(pages: &impl Pages, address: usize) -> Option<usize> {
    let mapped = address.is_multiple_of(align_of::<usize>()) && pages.writable(address as u64);
    // SAFETY: the word is in ordinary memory, which may hold any value; it is read for the report alone.
    mapped.then(|| unsafe { (address as *const usize).read_volatile() })
}
