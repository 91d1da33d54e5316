#![doc = include_str!("../README.md")]

use std::{
    mem::MaybeUninit,
    sync::{Arc, Condvar, Mutex},
    thread,
};

use iface_arch::{Arch, Entry};
use iface_memory::{Memory, MemoryError, Stack};

/// Passed from thread to thread, so that one runs at a time.
#[derive(Debug, Default)]
pub struct Baton {
    given: Mutex<bool>,
    changed: Condvar,
}

impl Baton {
    fn give(&self) {
        let before = std::mem::replace(&mut *self.given.lock().unwrap(), true);
        assert!(!before, "switched to a thread that is not suspended");
        self.changed.notify_one();
    }

    fn take(&self) {
        let given = self.changed.wait_while(self.given.lock().unwrap(), |given| !*given);
        *given.unwrap() = false;
    }
}

/// An architecture of host threads.
#[derive(Clone, Copy, Debug)]
pub struct HostThreads;

impl Arch for HostThreads {
    type Context = Arc<Baton>;

    const NAME: &'static str = "host";

    fn running(&self) -> Arc<Baton> {
        Arc::default()
    }

    fn context(&self, _: &'static mut [MaybeUninit<u8>], entry: Entry, argument: usize) -> Arc<Baton> {
        let baton = Arc::<Baton>::default();
        let turn = Arc::clone(&baton);
        thread::spawn(move || {
            turn.take();
            entry(argument)
        });
        baton
    }

    fn switch(&self, from: &Arc<Baton>, to: &Arc<Baton>) {
        let own = Arc::clone(from);
        to.give();
        own.take();
    }
}

/// Memory for as many stacks as are asked for. Host threads have stacks of their own, so that these are small.
#[derive(Clone, Copy, Debug)]
pub struct HostStacks;

impl Memory for HostStacks {
    fn stack(&self, _: usize) -> Result<Stack, MemoryError> {
        Ok(Box::leak(Box::new_uninit_slice(16)))
    }

    fn release_stack(&self, _: Stack) {}
}
