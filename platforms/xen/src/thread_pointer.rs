//! The base of `fs`.

use iface_thread_pointer::ThreadPointer;
use x86_64::thread_pointer;

use crate::Xen;
use crate::pv::Pv;

impl ThreadPointer for Xen {
    fn set(value: usize) {
        if thread_pointer::set_by_instruction(value) {
            return;
        }
        match Pv::running() {
            Some(pv) => pv.set_thread_pointer(value),
            None => thread_pointer::set_by_register(value),
        }
    }
}
