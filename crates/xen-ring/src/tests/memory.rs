//! Shared memory between guards, and who watches it.

use core::{
    cell::RefCell,
    ptr::NonNull,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};
use std::{boxed::Box, vec::Vec};

use super::watch::{self, Access};

pub const WORDS: usize = 1024;
const GUARD: u32 = 0xc0de_d00d;

/// A page of shared memory with a page before and one behind that nobody may touch.
#[repr(C, align(4096))]
struct Guarded {
    before: [AtomicU32; WORDS],
    page: [AtomicU32; WORDS],
    behind: [AtomicU32; WORDS],
}

/// The other domain's view of the page, and what this one did to it.
pub struct Memory {
    guarded: Guarded,
    accesses: RefCell<Vec<Access>>,
}

impl Memory {
    pub fn new() -> &'static Self {
        let guard = |_| AtomicU32::new(GUARD);
        let guarded = Guarded {
            before: core::array::from_fn(guard),
            page: core::array::from_fn(|_| AtomicU32::new(0)),
            behind: core::array::from_fn(guard),
        };
        Box::leak(Box::new(Self { guarded, accesses: RefCell::default() }))
    }

    /// Where the page begins.
    pub fn page(&self) -> NonNull<u8> {
        NonNull::from(&self.guarded.page).cast()
    }

    pub fn get(&self, word: usize) -> u32 {
        self.guarded.page[word].load(Relaxed)
    }

    pub fn set(&self, word: usize, value: u32) {
        self.guarded.page[word].store(value, Relaxed);
    }

    /// Sets one byte.
    pub fn set_byte(&self, byte: usize, value: u8) {
        let mut bytes = self.get(byte / 4).to_ne_bytes();
        bytes[byte % 4] = value;
        self.set(byte / 4, u32::from_ne_bytes(bytes));
    }

    /// Notes an access, which must lie in the page; addresses are noted from its beginning.
    pub fn note(&self, access: Access) {
        let inside = |at: usize, bytes: usize| {
            let at = at.wrapping_sub(self.page().addr().get());
            assert!(at < WORDS * 4 && at.is_multiple_of(bytes), "{access:?} is outside of the page");
            at
        };
        self.accesses.borrow_mut().push(match access {
            Access::Read { at, bytes, value } => Access::Read { at: inside(at, bytes), bytes, value },
            Access::Wrote { at, bytes, value } => Access::Wrote { at: inside(at, bytes), bytes, value },
            Access::Fenced => Access::Fenced,
        });
    }

    /// What `work` returns, and what it did to the page.
    pub fn watching<T>(&self, work: impl FnOnce() -> T) -> (T, Vec<Access>) {
        let returned = work();
        (returned, self.accesses.take())
    }

    /// Checks that the guards are as they were.
    pub fn check_guards(&self) {
        let mut guards = self.guarded.before.iter().chain(&self.guarded.behind);
        assert!(guards.all(|word| word.load(Relaxed) == GUARD), "the guards were written");
    }
}

/// Has `watcher` told of this thread's accesses, for as long as the guard returned lives.
pub fn watch(watcher: impl Fn(Access) + 'static) -> impl Drop {
    struct Unwatch;
    impl Drop for Unwatch {
        fn drop(&mut self) {
            watch::set(None);
        }
    }
    watch::set(Some(Box::leak(Box::new(watcher))));
    Unwatch
}
