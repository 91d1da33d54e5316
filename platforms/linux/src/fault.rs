//! Faults of the processor, which the kernel tells by signals.

use core::ffi::c_int;
use core::fmt::Write;
use core::mem::transmute;

use iface_console::Writer;
use linux_raw_sys::general::{SA_ONSTACK, SA_SIGINFO, SIGBUS, SIGFPE, SIGILL, SIGPIPE, SIGSEGV, siginfo_t};
use linux_raw_sys::signal_macros::sig_ign;
use rustix::io::Errno;

use crate::arch::{PAGE_SIZE, SignalContext};
use crate::console::ErrorConsole;
use crate::memory::guarded;
use crate::report::{end, frames, word};
use crate::system_call::{action, on_signal, signal_stack};

/// Bytes of the stack that handlers run on: a report needs a few KiB, the frame of a signal up to 11 KiB (AMX state).
const HANDLER_STACK: usize = 64 << 10;

const FAULTS: [(u32, &str); 4] = [
    (SIGSEGV, "invalid memory access"),
    (SIGBUS, "bus error"),
    (SIGILL, "invalid instruction"),
    (SIGFPE, "arithmetic fault"),
];

/// Has faults reported, on a stack of their own so that an overflow of the running one is too; and has writing to a
/// pipe that nobody reads be an error instead of the end.
pub(crate) fn install() -> Result<(), Errno> {
    signal_stack(guarded(HANDLER_STACK)?)?;
    // SAFETY: a signal that is ignored runs nothing.
    unsafe { on_signal(SIGPIPE, &action(sig_ign(), 0))? };
    for (signal, _) in FAULTS {
        let handler: unsafe extern "C" fn(c_int, *const siginfo_t, *const SignalContext) -> ! = on_fault;
        // SAFETY: with SA_SIGINFO the kernel passes the three arguments that the handler takes.
        let handler = unsafe { transmute::<*const (), unsafe extern "C" fn(c_int)>(handler as *const ()) };
        // SAFETY: the handler touches no state of the image but a flag that is atomic, and does not return.
        unsafe { on_signal(signal, &action(Some(handler), SA_SIGINFO | SA_ONSTACK))? };
    }
    Ok(())
}

unsafe extern "C" fn on_fault(signal: c_int, info: *const siginfo_t, context: *const SignalContext) -> ! {
    // SAFETY: the kernel passes both to a handler with SA_SIGINFO, valid until it returns; all four signals are faults
    // and have an address.
    let (address, context) =
        unsafe { ((*info).__bindgen_anon_1.__bindgen_anon_1._sifields._sigfault._addr.addr(), &*context) };
    end(|| report(cause(signal, address, context), address, context))
}

/// What happened. A thread that overflows its stack touches the guard page just below its stack pointer, or just above
/// it after the pointer was moved: a function with a large frame touches each page of it in turn.
fn cause(signal: c_int, address: usize, context: &SignalContext) -> &'static str {
    if signal == SIGSEGV as c_int && address.abs_diff(context.stack_pointer()) <= PAGE_SIZE {
        return "stack overflow";
    }
    FAULTS.iter().find(|(number, _)| *number as c_int == signal).map_or("fault", |(_, cause)| cause)
}

fn report(cause: &str, address: usize, context: &SignalContext) {
    let mut out = Writer(ErrorConsole);
    // The console's writer never fails.
    let _ = writeln!(out, "panic: {cause} at address {address:#x}");
    for (name, value) in context.registers() {
        let _ = writeln!(out, "  {name:6} {value:#018x}");
    }
    panic_report::backtrace(ErrorConsole, where_raised(address, context));
}

/// The instruction, and the return addresses from there on. A call to where no code is has not made its frame yet: the
/// address to return to is on top of the stack.
fn where_raised(address: usize, context: &SignalContext) -> impl Iterator<Item = usize> {
    let went_astray = address == context.instruction_pointer();
    let caller = if went_astray { word(context.stack_pointer()) } else { None };
    // As behind a call, as the others are: who looks up its line looks one byte before.
    let instruction = context.instruction_pointer().wrapping_add(1);
    core::iter::once(instruction).chain(caller).chain(frames(context.frame_pointer()))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::format;
    use std::process::Command;
    use std::string::String;

    use super::*;

    /// Runs one of the tests below, which end their process, and returns what it reported.
    fn report_of(test: &str) -> String {
        let name = format!("fault::tests::{test}");
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name, "--ignored", "--nocapture"])
            .output()
            .unwrap();
        assert_eq!(child.status.code(), Some(134), "{child:?}");
        String::from_utf8(child.stderr).unwrap()
    }

    #[test]
    fn an_overflow_of_the_stack_is_reported() {
        let report = report_of("ends_by_overflow");
        assert!(report.starts_with("panic: stack overflow at address 0x"), "{report}");
        assert!(report.contains("\n  rsp    0x"), "{report}");
        assert!(report.contains("\nbacktrace:\n  0x"), "{report}");
    }

    #[test]
    fn a_wild_access_is_reported() {
        let report = report_of("ends_by_wild_access");
        assert!(report.starts_with("panic: invalid memory access at address 0x10\n"), "{report}");
    }

    #[test]
    #[ignore = "ends its process"]
    fn ends_by_overflow() {
        fn descend(depth: usize) -> usize {
            let frame = core::hint::black_box([depth; 100]);
            if depth == usize::MAX { 0 } else { descend(depth + 1) + frame[depth % 100] }
        }
        install().unwrap();
        descend(0);
    }

    #[test]
    #[ignore = "ends its process"]
    fn ends_by_wild_access() {
        install().unwrap();
        // SAFETY: none; it is what is tested.
        unsafe { core::hint::black_box(0x10 as *const u8).read_volatile() };
    }
}
