//! The few system calls that are of a process's runtime, which rustix leaves to a libc.

use core::ffi::c_int;
use core::mem::MaybeUninit;

use linux_raw_sys::general::{
    __NR_arch_prctl, __NR_exit_group, __NR_rt_sigaction, __NR_rt_sigprocmask, __NR_sigaltstack, __NR_write,
    ARCH_SET_FS, SA_RESTORER, kernel_sigaction, kernel_sigset_t, stack_t,
};
use linux_raw_sys::signal_macros::sig_ign;
use rustix::io::Errno;

use crate::arch::{after_handler, system_call};

/// Ends the process.
pub fn exit(status: u8) -> ! {
    loop {
        // SAFETY: the call takes one number, and does not return.
        unsafe { system_call(__NR_exit_group, [status.into(), 0, 0, 0]) };
    }
}

/// What is to happen on a signal; `None` is what the kernel does by itself.
pub fn action(handler: Option<unsafe extern "C" fn(c_int)>, flags: u32) -> kernel_sigaction {
    kernel_sigaction {
        sa_handler_kernel: handler,
        sa_flags: (flags | SA_RESTORER).into(),
        sa_restorer: Some(after_handler),
        sa_mask: kernel_sigset_t { sig: [0] },
    }
}

/// Whether `signal` is ignored.
pub fn is_ignored(signal: u32) -> bool {
    let mut before = action(None, 0);
    let to: *mut kernel_sigaction = &mut before;
    let arguments = [signal as usize, 0, to as usize, size_of::<kernel_sigset_t>()];
    // SAFETY: the action is valid for writes, no other is set, and the size is that of the set in it.
    let known = done(unsafe { system_call(__NR_rt_sigaction, arguments) });
    known.is_ok()
        && before.sa_handler_kernel.map(|handler| handler as usize) == sig_ign().map(|ignore| ignore as usize)
}

/// Writes a number to a descriptor, as an event counter takes it, in a handler too; a failure is not told.
pub fn write_number(descriptor: c_int, number: u64) {
    let bytes: *const u64 = &number;
    // SAFETY: the number is valid for reads, of as many bytes.
    unsafe { system_call(__NR_write, [descriptor as usize, bytes as usize, size_of::<u64>(), 0]) };
}

/// Sets what happens on `signal`.
///
/// # Safety
/// A handler in `action` is a function that may run between any two instructions.
pub unsafe fn on_signal(signal: u32, action: &kernel_sigaction) -> Result<(), Errno> {
    let action: *const kernel_sigaction = action;
    let arguments = [signal as usize, action as usize, 0, size_of::<kernel_sigset_t>()];
    // SAFETY: the action is valid for reads, the previous one is not asked for, and the size is that of the set in it.
    done(unsafe { system_call(__NR_rt_sigaction, arguments) })
}

/// Has signal handlers run on `stack`.
pub fn signal_stack(stack: &'static mut [MaybeUninit<u8>]) -> Result<(), Errno> {
    let description = stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: stack.len() as _ };
    let description: *const stack_t = &description;
    // SAFETY: the description is valid for reads, and the stack that it names is given up by the caller for ever.
    done(unsafe { system_call(__NR_sigaltstack, [description as usize, 0, 0, 0]) })
}

/// Sets the base of `fs` on x86_64.
///
/// # Panics
/// Where the kernel refuses, as it does an address beyond 47 bits.
pub fn set_thread_pointer(value: usize) {
    // SAFETY: no code of the image uses memory by `fs`.
    let set = done(unsafe { system_call(__NR_arch_prctl, [ARCH_SET_FS as usize, value, 0, 0]) });
    set.unwrap_or_else(|errno| panic!("the kernel refused {value:#x} as a thread pointer ({errno})"));
}

/// Whether the word at `address` can be read: the kernel looks at a set of signals before it refuses what to do with it.
pub fn is_readable(address: *const usize) -> bool {
    const NOTHING_TO_DO: usize = usize::MAX;
    let arguments = [NOTHING_TO_DO, address.addr(), 0, size_of::<kernel_sigset_t>()];
    // SAFETY: an address that is not readable is an error, and one that is changes nothing.
    done(unsafe { system_call(__NR_rt_sigprocmask, arguments) }) == Err(Errno::INVAL)
}

fn done(result: isize) -> Result<(), Errno> {
    match result {
        0.. => Ok(()),
        error => Err(Errno::from_raw_os_error(-error as i32)),
    }
}
