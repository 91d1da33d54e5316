//! The shared page, from the other end.
#![expect(unsafe_code, reason = "the page is shared as that of a domain is")]

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};
use std::boxed::Box;

use iface_hypervisor::{Call, Errno, Frame, Hypervisor, Port, ShutdownReason, StorePage};
use xen_ring::{Receiver, Sender};

/// The channel of every domain here.
pub(super) const PORT: Port = Port(1);

/// Words of the page.
pub(super) const REQUEST_CONSUMER: usize = 2048 / 4;
pub(super) const REQUEST_PRODUCER: usize = 2052 / 4;
pub(super) const ANSWER_CONSUMER: usize = 2056 / 4;
pub(super) const ANSWER_PRODUCER: usize = 2060 / 4;
pub(super) const FEATURES: usize = 2064 / 4;
pub(super) const CONNECTION: usize = 2068 / 4;
pub(super) const ERROR: usize = 2072 / 4;
/// Of the tests alone: the reason that the domain's end is to tell, plus one.
const END: usize = 1023;

/// A page, and Xen as far as the room calls it.
#[repr(align(4096))]
pub(super) struct Shared([AtomicU32; 1024]);

impl Shared {
    /// A page whose indices are about to wrap.
    pub(super) fn new() -> &'static Self {
        let shared: &'static Self = Box::leak(Box::new(Self([const { AtomicU32::new(0) }; 1024])));
        shared.reset();
        shared
    }

    /// Begins anew: empty rings, connected.
    pub(super) fn reset(&self) {
        for word in [REQUEST_CONSUMER, REQUEST_PRODUCER, ANSWER_CONSUMER, ANSWER_PRODUCER] {
            self.set(word, u32::MAX - 5000);
        }
        for word in [FEATURES, CONNECTION, ERROR] {
            self.set(word, 0);
        }
    }

    /// The reason that the domain's end is to tell.
    pub(super) fn end(&self) -> Option<ShutdownReason> {
        self.0[END].load(Ordering::Relaxed).checked_sub(1).map(ShutdownReason)
    }

    pub(super) fn set(&self, word: usize, value: u32) {
        self.0[word].store(value, Ordering::Release);
    }

    /// The daemon's halves of the rings: requests to read, answers to write.
    pub(super) fn other_end(&'static self) -> (Receiver<'static>, Sender<'static>) {
        let data = |word: usize| NonNull::slice_from_raw_parts(NonNull::from(&self.0[word]).cast(), 1024);
        let word = |word: usize| NonNull::from(&self.0[word]).cast();
        // SAFETY: the page is leaked, and all of it is accessed by atomics.
        unsafe {
            (
                Receiver::new(data(0), word(REQUEST_PRODUCER), word(REQUEST_CONSUMER)),
                Sender::new(data(256), word(ANSWER_PRODUCER), word(ANSWER_CONSUMER)),
            )
        }
    }
}

// SAFETY: the page is leaked and accessed by atomics alone; no hypercall does anything.
unsafe impl Hypervisor for &'static Shared {
    unsafe fn call(&self, _: Call, _: [usize; 4]) -> Result<usize, Errno> {
        unreachable!("the room makes no hypercalls")
    }

    fn frame(&self, _: NonNull<u8>) -> Frame {
        unreachable!("the room grants nothing")
    }

    fn map_grant_table(&self, _: usize) -> Result<NonNull<u8>, Errno> {
        unreachable!("the room grants nothing")
    }

    fn store(&self) -> Option<StorePage> {
        Some(StorePage { page: NonNull::from(*self).cast(), port: PORT })
    }

    fn end_for(&self, ShutdownReason(reason): ShutdownReason) {
        self.set(END, reason + 1);
    }

    /// Unwinds with `reason`.
    fn shut_down(&self, reason: ShutdownReason) -> ! {
        std::panic::panic_any(reason)
    }
}
