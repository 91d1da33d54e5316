//! Takes the place of `crate::watch`: each access to shared memory is told to whoever watches this thread.

use core::cell::Cell;
use std::thread_local;

/// What was done to shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// These bytes were read, and had this value.
    Read { at: usize, bytes: usize, value: u32 },
    /// These bytes were set to this value.
    Wrote { at: usize, bytes: usize, value: u32 },
    /// A full fence was passed.
    Fenced,
}

type Watcher = &'static dyn Fn(Access);

thread_local! {
    static WATCHER: Cell<Option<Watcher>> = const { Cell::new(None) };
}

/// Has `watcher` told of each access of this thread from here on; it acts before the next one.
pub fn set(watcher: Option<Watcher>) {
    WATCHER.set(watcher);
}

pub fn read<T>(place: &T, value: u32) {
    tell(Access::Read { at: core::ptr::from_ref(place).addr(), bytes: size_of::<T>(), value });
}

pub fn wrote<T>(place: &T, value: u32) {
    tell(Access::Wrote { at: core::ptr::from_ref(place).addr(), bytes: size_of::<T>(), value });
}

pub fn fenced() {
    tell(Access::Fenced);
}

fn tell(access: Access) {
    if let Some(watcher) = WATCHER.get() {
        watcher(access);
    }
}
