//! An entry of the table (`grant_entry_v1`).

use core::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use iface_grant_table::{Access, DomainId, GrantError};

/// `GTF_permit_access`: the only type of grant given here.
pub(crate) const PERMIT_ACCESS: u16 = 1;
/// `GTF_readonly`.
pub(crate) const READ_ONLY: u16 = 1 << 2;
/// `GTF_reading` and `GTF_writing`, which Xen sets while the other domain holds the page.
pub(crate) const IN_USE: u16 = 1 << 3 | 1 << 4;

/// An entry. Its flags are zero (`GTF_invalid`) while it grants nothing; Xen looks at no other field of it then.
#[repr(C)]
pub(crate) struct Entry {
    flags: AtomicU16,
    domain: AtomicU16,
    /// The frame that is granted, and while nothing is, the next free entry.
    frame: AtomicU32,
}

impl Entry {
    /// Makes the entry, which grants nothing, a member of the list of free ones.
    pub(crate) fn set_next_free(&self, next: u32) {
        self.frame.store(next, Ordering::Relaxed);
    }

    /// The entry behind this one in the list of free ones.
    pub(crate) fn next_free(&self) -> u32 {
        self.frame.load(Ordering::Relaxed)
    }

    /// Grants `frame`: flags last, upon which Xen sees all of it.
    pub(crate) fn grant(&self, domain: DomainId, frame: u32, access: Access) {
        let flags = match access {
            Access::Read => PERMIT_ACCESS | READ_ONLY,
            Access::ReadWrite => PERMIT_ACCESS,
        };
        self.frame.store(frame, Ordering::Relaxed);
        self.domain.store(domain.0, Ordering::Relaxed);
        self.flags.store(flags, Ordering::Release);
    }

    /// Whether it grants something.
    pub(crate) fn is_granted(&self) -> bool {
        self.flags.load(Ordering::Relaxed) & PERMIT_ACCESS != 0
    }

    /// Ends a grant, where Xen did not note that the page is in use. What the other domain wrote is seen afterwards.
    pub(crate) fn revoke(&self) -> Result<(), GrantError> {
        // Xen changes no other bits, so the exchange fails only where the page is in use, and needs no second attempt.
        let unused = self.flags.load(Ordering::Relaxed) & !IN_USE;
        let exchanged = self.flags.compare_exchange(unused, 0, Ordering::Acquire, Ordering::Relaxed);
        exchanged.map(drop).map_err(|_| GrantError::InUse)
    }
}
