//! The base of `fs` on x86_64.

use iface_thread_pointer::ThreadPointer;
use rustix::param::linux_hwcap;

use crate::{arch, system_call};

/// The running thread of the kernel's.
#[derive(Clone, Copy, Debug)]
pub struct LinuxThreadPointer;

impl ThreadPointer for LinuxThreadPointer {
    fn set(value: usize) {
        let (_, capabilities) = linux_hwcap();
        if capabilities & arch::MAY_SET_THREAD_POINTER != 0 {
            // SAFETY: the kernel says that the instruction may be used.
            unsafe { arch::set_thread_pointer(value) };
        } else {
            system_call::set_thread_pointer(value);
        }
    }
}
