//! What a call costs that does nothing: instructions between the program and the method, and back.
//!
//! The processor counts them: with its trap flag set, each instruction is followed by a signal.

use core::arch::asm;
use core::ffi::c_int;
use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering};
use std::println;

use linux_raw_sys::general as numbers;

use crate::start;
use crate::tests::process;

/// A call costs no more than this many instructions above a function that does nothing.
const MOST: u64 = 20;

static STEPS: AtomicU64 = AtomicU64::new(0);

extern "C" fn step(_: c_int) {
    STEPS.fetch_add(1, Ordering::Relaxed);
}

unsafe extern "C" {
    /// signal(3) of the C library under the tests.
    fn signal(signal: c_int, handler: extern "C" fn(c_int)) -> usize;
}

type Function = extern "C" fn(usize, usize, usize, usize, usize, usize, usize) -> isize;

#[inline(never)]
extern "C" fn nothing(_: usize, _: usize, _: usize, _: usize, _: usize, _: usize, _: usize) -> isize {
    1
}

/// Instructions from before the call of `function` until behind it.
fn instructions(function: Function, number: u32) -> u64 {
    let function = black_box(function);
    STEPS.store(0, Ordering::Relaxed);
    // SAFETY: the flag is set and cleared again; what lies below the stack pointer is not used here.
    unsafe { asm!("pushfq", "or qword ptr [rsp], 0x100", "popfq") };
    function(black_box(number as usize), 0, 0, 0, 0, 0, 0);
    // SAFETY: as above.
    unsafe { asm!("pushfq", "and qword ptr [rsp], ~0x100", "popfq") };
    STEPS.load(Ordering::Relaxed)
}

#[test]
#[ignore = "counts instructions of an image's own profile: check null-call, or cargo test --release -p linux-abi null_call -- --ignored --nocapture"]
fn a_call_that_does_nothing_costs_little() {
    let (linux, _) = process();
    start::install(linux);
    // SAFETY: the handler only counts.
    unsafe { signal(numbers::SIGTRAP as c_int, step) };
    let function = instructions(nothing, 0);
    for (name, number) in [("getpid", numbers::__NR_getpid), ("getppid", numbers::__NR_getppid)] {
        let call = instructions(start::unicore_syscall, number) - function;
        println!("{name}: {call} instructions more than a function");
        assert!(call <= MOST, "{name} costs {call} instructions");
    }
}
