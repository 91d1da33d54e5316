//! A Xen that keeps its side of a grant table.

use std::{
    ptr::NonNull,
    sync::atomic::{AtomicU64, Ordering},
    vec::Vec,
};

use iface_grant_table::{DomainId, PAGE_SIZE, Reference};
use iface_hypervisor::{Call, Errno, Frame, Hypervisor, ShutdownReason, StorePage};

use crate::entry::{PERMIT_ACCESS, READ_ONLY};

const EINVAL: Errno = Errno(22);

/// Entries of a frame of the table.
#[repr(C, align(4096))]
struct TableFrame([AtomicU64; PAGE_SIZE / 8]);

/// The table's memory, as Xen sees it.
#[derive(Clone, Copy)]
pub struct Xen {
    frames: &'static [TableFrame],
}

impl Xen {
    /// One that gives up to `frames` frames, zeroed.
    pub fn new(frames: usize) -> Self {
        let zeroed = || TableFrame(core::array::from_fn(|_| Default::default()));
        Self { frames: Vec::leak(core::iter::repeat_with(zeroed).take(frames).collect()) }
    }

    /// What an entry says: flags, domain, and the two halves of the frame's number.
    pub fn entry(&self, reference: Reference) -> [u16; 4] {
        let entry = self.place(reference).load(Ordering::Relaxed);
        [0, 16, 32, 48].map(|shift| (entry >> shift) as u16)
    }

    /// Has an entry permit access, and nothing more.
    pub fn permit(&self, reference: Reference) {
        self.place(reference).store(PERMIT_ACCESS, Ordering::Relaxed);
    }

    /// Maps a grant for `domain`, where it may: reads and checks the entry, then notes the use in one step with that check.
    pub fn map(&self, domain: DomainId, reference: Reference, writing: bool) -> bool {
        let mut seen = self.place(reference).load(Ordering::Acquire);
        loop {
            let granted = seen & 3 == PERMIT_ACCESS && (seen >> 16) as u16 == domain.0;
            if !granted || (writing && seen & READ_ONLY != 0) {
                return false;
            }
            let used = seen | Self::in_use(writing);
            match self.place(reference).compare_exchange(seen, used, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(changed) => seen = changed,
            }
        }
    }

    /// Notes that the page is not read, or not written, any more.
    pub fn unmap(&self, reference: Reference, writing: bool) {
        self.place(reference).fetch_and(!Self::in_use(writing), Ordering::Release);
    }

    fn in_use(writing: bool) -> u64 {
        if writing { 1 << 4 } else { 1 << 3 }
    }

    fn place(&self, reference: Reference) -> &'static AtomicU64 {
        let index = reference.0 as usize;
        &self.frames[index / 512].0[index % 512]
    }
}

// SAFETY: the memory mapped is the fake's own, leaked and accessed by atomics alone; no hypercall does anything.
unsafe impl Hypervisor for Xen {
    unsafe fn call(&self, _: Call, _: [usize; 4]) -> Result<usize, Errno> {
        Err(Errno(38))
    }

    fn frame(&self, page: NonNull<u8>) -> Frame {
        Frame((page.addr().get() / PAGE_SIZE) as u64)
    }

    fn map_grant_table(&self, frames: usize) -> Result<NonNull<u8>, Errno> {
        let mapped = self.frames.get(..frames).ok_or(EINVAL)?;
        Ok(NonNull::from(mapped).cast())
    }

    fn store(&self) -> Option<StorePage> {
        None
    }

    fn end_for(&self, _: ShutdownReason) {
        unreachable!("a grant table ends no domain")
    }

    fn shut_down(&self, _: ShutdownReason) -> ! {
        unreachable!("a grant table ends no domain")
    }
}
