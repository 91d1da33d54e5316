#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "does on purpose what the platform has to stop")]

extern crate alloc;

use alloc::boxed::Box;
use core::hint::black_box;

use iface_platform::{ExitStatus, Platform};
use iface_scheduler::Scheduler;

/// Settings, from `app.settings`: none.
pub struct Config {}

/// What it needs.
pub struct Needs<P, S> {
    /// Has the arguments.
    pub platform: P,
    /// Has threads.
    pub scheduler: S,
}

/// Does what the first argument says. An unknown one is a failure, so that a misspelt test cannot pass.
pub fn main<P: Platform, S: Scheduler>(_config: &'static Config, needs: Needs<P, S>) -> ExitStatus {
    match needs.platform.command_line().arguments().next() {
        None => return ExitStatus::SUCCESS,
        Some("panic") => panic_as_asked(),
        Some("overflow") => overflow(),
        Some("overflow-thread") => overflow_thread(needs.scheduler),
        Some("write-code") => write_code(),
        Some("write-constant") => write_constant(),
        Some("execute-data") => execute_data(),
        Some("null") => read_null(),
        Some("exit-7") => return ExitStatus(7),
        Some(_) => {}
    }
    ExitStatus::FAILURE
}

#[inline(never)]
fn panic_as_asked() {
    panic!("as asked, with {} argument", black_box(1));
}

#[inline(never)]
fn overflow() {
    black_box(descend(0));
}

/// Never returns to its caller with stack left: each call takes some, and the optimizer can make no loop of it.
#[inline(never)]
fn descend(depth: usize) -> usize {
    let frame = black_box([depth; 64]);
    if depth == usize::MAX { 0 } else { descend(depth + 1) + frame[depth % 64] }
}

#[inline(never)]
fn overflow_thread<S: Scheduler>(scheduler: S) {
    if scheduler.spawn("deep", Box::new(overflow)).is_ok() {
        scheduler.park(None);
    }
}

#[inline(never)]
fn write_code() {
    let code = write_code as *const () as *mut u8;
    // SAFETY: none; the platform maps code without the right to write, which ends the image here.
    unsafe { code.write_volatile(0) }
}

#[inline(never)]
fn write_constant() {
    static CONSTANT: [u8; 8] = *b"constant";
    let constant = black_box(CONSTANT.as_ptr()).cast_mut();
    // SAFETY: none; the platform maps constants without the right to write, which ends the image here.
    unsafe { constant.write_volatile(0) }
}

#[inline(never)]
fn execute_data() {
    // A return on x86_64, so that a platform that lets this through ends the image otherwise than expected.
    const RETURN: u8 = 0xc3;
    let data = black_box(Box::new([RETURN; 16]));
    // SAFETY: none; the platform maps the heap without the right to execute, which ends the image here.
    let function: extern "C" fn() = unsafe { core::mem::transmute(data.as_ptr()) };
    function();
}

#[inline(never)]
fn read_null() {
    let near_null = black_box(core::ptr::without_provenance::<u8>(8));
    // SAFETY: none; the platform maps nothing there, which ends the image here.
    black_box(unsafe { near_null.read_volatile() });
}
