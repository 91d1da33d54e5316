//! The base of `fs`.

use iface_thread_pointer::ThreadPointer;
use x86_64::thread_pointer;

use crate::Kvm;

impl ThreadPointer for Kvm {
    fn set(value: usize) {
        if !thread_pointer::set_by_instruction(value) {
            thread_pointer::set_by_register(value);
        }
    }
}
