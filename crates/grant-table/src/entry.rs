//! An entry of the table (`grant_entry_v1`): flags, domain and frame, of 16, 16 and 32 bits, from the lowest on.

use core::sync::atomic::{AtomicU64, Ordering};

use iface_grant_table::{Access, DomainId, GrantError};

/// `GTF_permit_access`: the only type of grant given here.
pub(crate) const PERMIT_ACCESS: u64 = 1;
/// `GTF_readonly`.
pub(crate) const READ_ONLY: u64 = 1 << 2;
/// `GTF_reading` and `GTF_writing`, which Xen sets while the other domain holds the page.
pub(crate) const IN_USE: u64 = 1 << 3 | 1 << 4;

const DOMAIN_SHIFT: u32 = 16;
const FRAME_SHIFT: u32 = 32;

/// An entry, which is written as a whole: Xen never sees a part of it. Its flags are zero (`GTF_invalid`) while it grants
/// nothing, and Xen looks at nothing else of it then; in place of a frame it has the next free entry.
#[repr(transparent)]
pub(crate) struct Entry(AtomicU64);

impl Entry {
    /// Makes the entry, which grants nothing, a member of the list of free ones.
    pub(crate) fn set_next_free(&self, next: u32) {
        self.0.store(u64::from(next) << FRAME_SHIFT, Ordering::Relaxed);
    }

    /// The entry behind this one in the list of free ones.
    pub(crate) fn next_free(&self) -> u32 {
        (self.0.load(Ordering::Relaxed) >> FRAME_SHIFT) as u32
    }

    /// Grants `frame`. Who maps it sees what was written there before.
    pub(crate) fn grant(&self, domain: DomainId, frame: u32, access: Access) {
        let flags = match access {
            Access::Read => PERMIT_ACCESS | READ_ONLY,
            Access::ReadWrite => PERMIT_ACCESS,
        };
        let entry = u64::from(frame) << FRAME_SHIFT | u64::from(domain.0) << DOMAIN_SHIFT | flags;
        self.0.store(entry, Ordering::Release);
    }

    /// Whether it grants something.
    pub(crate) fn is_granted(&self) -> bool {
        self.0.load(Ordering::Relaxed) & PERMIT_ACCESS != 0
    }

    /// Ends a grant, where Xen did not note that the page is in use, and makes the entry a member of the list of free ones.
    /// What the other domain wrote is seen afterwards.
    pub(crate) fn revoke(&self, next: u32) -> Result<(), GrantError> {
        // Xen changes no other bits, so the exchange fails only where the page is in use, and needs no second attempt.
        let unused = self.0.load(Ordering::Relaxed) & !IN_USE;
        let free = u64::from(next) << FRAME_SHIFT;
        let exchanged = self.0.compare_exchange(unused, free, Ordering::Acquire, Ordering::Relaxed);
        exchanged.map(drop).map_err(|_| GrantError::InUse)
    }
}
