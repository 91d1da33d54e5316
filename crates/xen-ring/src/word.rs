//! Memory that another domain may write at any moment.

use core::sync::atomic::{AtomicU8, AtomicU32, Ordering, fence};

use crate::watch;

/// 32 bits of it.
#[repr(transparent)]
pub(crate) struct Word(AtomicU32);

impl Word {
    /// Its value, where no other memory depends on it.
    pub(crate) fn read(&self) -> u32 {
        let value = self.0.load(Ordering::Relaxed);
        watch::read(&self.0, value);
        value
    }

    /// Its value. What the other domain wrote before it is seen by later reads, and later writes come after it.
    pub(crate) fn acquire(&self) -> u32 {
        let value = self.0.load(Ordering::Acquire);
        watch::read(&self.0, value);
        value
    }

    /// Sets it, in no order with other memory.
    pub(crate) fn write(&self, value: u32) {
        self.0.store(value, Ordering::Relaxed);
        watch::wrote(&self.0, value);
    }

    /// Sets it. Whoever sees that sees all that was written before, and all reads before are done.
    pub(crate) fn release(&self, value: u32) {
        self.0.store(value, Ordering::Release);
        watch::wrote(&self.0, value);
    }
}

/// 8 bits of it.
#[repr(transparent)]
pub(crate) struct Octet(AtomicU8);

impl Octet {
    /// Its value.
    pub(crate) fn read(&self) -> u8 {
        let value = self.0.load(Ordering::Relaxed);
        watch::read(&self.0, value.into());
        value
    }

    /// Sets it.
    pub(crate) fn write(&self, value: u8) {
        self.0.store(value, Ordering::Relaxed);
        watch::wrote(&self.0, value.into());
    }
}

/// The other domain sees what was written before it, before anything is read after it (`xen_mb`).
pub(crate) fn full_fence() {
    fence(Ordering::SeqCst);
    watch::fenced();
}
