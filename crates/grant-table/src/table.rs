//! The table, and the pool of its entries.

use alloc::boxed::Box;
use core::{cell::Cell, ptr::NonNull, slice};

use iface_grant_table::{Access, DomainId, GrantError, GrantTable, PAGE_SIZE, Reference};
use iface_hypervisor::{Errno, Hypervisor};

use crate::entry::Entry;

/// Entries at the beginning that Xen and its tools use (`GNTTAB_NR_RESERVED_ENTRIES`).
pub(crate) const RESERVED: u32 = 8;
/// Ends the list of free entries: a reserved one, which is never in it.
const NONE: u32 = 0;

/// The domain's grant table.
pub struct Table<H> {
    hypervisor: H,
    entries: &'static [Entry],
    /// The first free entry.
    free: Cell<u32>,
}

impl<H: Hypervisor> Table<H> {
    /// Maps `frames` of the table and has all entries free but those reserved.
    pub(crate) fn map(hypervisor: H, frames: usize) -> Result<&'static Self, Errno> {
        let memory: NonNull<Entry> = hypervisor.map_grant_table(frames)?.cast();
        let length = frames * PAGE_SIZE / size_of::<Entry>();
        // SAFETY: the hypervisor mapped as much for as long as the image runs, and nobody else of this domain uses it. All
        // of it is atomics, with which Xen's accesses do not race, and for which any value is valid.
        let entries = unsafe { slice::from_raw_parts(memory.as_ptr(), length) };
        let table = Self { hypervisor, entries, free: Cell::new(NONE) };
        for entry in (RESERVED..length as u32).rev() {
            entries[entry as usize].set_next_free(table.free.replace(entry));
        }
        Ok(Box::leak(Box::new(table)))
    }

    /// A free entry, which is in the list no more.
    fn take_free(&self) -> Option<(u32, &Entry)> {
        match self.free.get() {
            NONE => None,
            free => {
                let entry = &self.entries[free as usize];
                self.free.set(entry.next_free());
                Some((free, entry))
            }
        }
    }

    /// The entry of a grant that was given.
    fn granted(&self, reference: Reference) -> &Entry {
        let entry = self.entries.get(reference.0 as usize).filter(|_| reference.0 >= RESERVED);
        let granted = entry.filter(|entry| entry.is_granted());
        granted.unwrap_or_else(|| panic!("grant reference {} was not given", reference.0))
    }
}

impl<H: Hypervisor> GrantTable for &'static Table<H> {
    unsafe fn grant(
        &self,
        domain: DomainId,
        page: NonNull<u8>,
        access: Access,
    ) -> Result<Reference, GrantError> {
        let frame = u32::try_from(self.hypervisor.frame(page).0).map_err(|_| GrantError::OutOfReach)?;
        let (reference, entry) = self.take_free().ok_or(GrantError::Full)?;
        entry.grant(domain, frame, access);
        Ok(Reference(reference))
    }

    fn revoke(&self, reference: Reference) -> Result<(), GrantError> {
        self.granted(reference).revoke(self.free.get())?;
        self.free.set(reference.0);
        Ok(())
    }
}
