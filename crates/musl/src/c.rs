//! What the image was linked with: the program, its thread-local variables, and musl.

use core::ffi::{c_char, c_int};

use iface_linux_abi::ThreadLocals;

/// A function whose arguments are its caller's affair.
type Function = unsafe extern "C" fn();

unsafe extern "C" {
    /// The program's.
    fn main();

    /// Sets musl up, calls `main` with the arguments and the environment, and ends the process with its value. Of the
    /// further arguments musl uses none (`src/env/__libc_start_main.c`): what objects begin and end with is in
    /// `.init_array` and `.fini_array`.
    fn __libc_start_main(
        main: Function,
        count: c_int,
        arguments: *const *const c_char,
        init: Option<Function>,
        fini: Option<Function>,
        linker_fini: Option<Function>,
    ) -> c_int;

    // The platform's linker script sets these: addresses, the last three of which are numbers.
    safe static unicore_tls_start: u8;
    safe static unicore_tls_initialised: u8;
    safe static unicore_tls_size: u8;
    safe static unicore_tls_alignment: u8;
}

/// Where the program begins, as musl's own `_start` does (`crt/crt1.c`).
///
/// # Safety
/// `words` are those that a program begins with; they stay, and this is called once.
pub(crate) unsafe extern "C" fn entry(words: *const usize) -> ! {
    // SAFETY: they begin with the count of arguments and the addresses of these.
    let (count, arguments) = unsafe { (*words as c_int, words.add(1).cast()) };
    // SAFETY: environment and auxiliary vector follow the arguments.
    unsafe { __libc_start_main(main, count, arguments, None, None, None) };
    unreachable!("musl ends the process when `main` returns")
}

/// The program's thread-local variables.
pub(crate) fn thread_locals() -> ThreadLocals {
    ThreadLocals {
        address: (&raw const unicore_tls_start).addr(),
        initialised: (&raw const unicore_tls_initialised).addr(),
        size: (&raw const unicore_tls_size).addr(),
        // Without any there are no sections, which have no alignment.
        alignment: (&raw const unicore_tls_alignment).addr().max(1),
    }
}
