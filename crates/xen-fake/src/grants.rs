//! Pages that a domain under test granted, and what another domain does with them.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    ptr::NonNull,
};

use iface_grant_table::{Access, DomainId, GrantError, GrantTable, PAGE_SIZE, Reference};

/// The first reference that is not reserved (`GNTTAB_NR_RESERVED_ENTRIES`).
const FIRST: u32 = 8;

/// A grant table that remembers what was granted to whom, and lets a test's backend use just that.
pub struct FakeGrantTable {
    grants: RefCell<BTreeMap<u32, Grant>>,
    next: Cell<u32>,
    limit: Cell<usize>,
}

/// What was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who may use the page.
    pub domain: DomainId,
    /// The page, in the test's memory.
    pub page: NonNull<u8>,
    /// How it may be used.
    pub access: Access,
    /// Mappings that hold it now.
    pub mappings: usize,
}

impl FakeGrantTable {
    /// A table without grants, for as long as the test runs.
    pub fn new() -> &'static Self {
        Box::leak(Box::new(Self {
            grants: RefCell::default(),
            next: Cell::new(FIRST),
            limit: Cell::new(usize::MAX),
        }))
    }

    /// Has the table be full with `grants` of them.
    pub fn set_limit(&self, grants: usize) {
        self.limit.set(grants);
    }

    /// Grants that were given and not revoked.
    pub fn count(&self) -> usize {
        self.grants.borrow().len()
    }

    /// What `reference` names, where it was given and not revoked.
    pub fn get(&self, reference: Reference) -> Option<Grant> {
        self.grants.borrow().get(&reference.0).copied()
    }

    /// Copies bytes of a page out, as `domain` (`GNTTABOP_copy`).
    ///
    /// # Panics
    /// Where `domain` was not granted the page, or `bytes` do not end within it.
    pub fn read(&self, domain: DomainId, reference: Reference, offset: usize, bytes: &mut [u8]) {
        let grant = self.granted(domain, reference);
        let from = grant.place(offset, bytes.len());
        // SAFETY: the place lies in the page, which who granted it keeps until it revokes; no Rust reference of theirs to
        // it is live, since they know that others write it. `bytes` are the test's own.
        unsafe { from.copy_to(NonNull::from(&mut *bytes).cast(), bytes.len()) }
    }

    /// Copies bytes into a page, as `domain` (`GNTTABOP_copy`).
    ///
    /// # Panics
    /// Where `domain` was not granted to write the page, or `bytes` do not end within it.
    pub fn write(&self, domain: DomainId, reference: Reference, offset: usize, bytes: &[u8]) {
        let grant = self.granted(domain, reference);
        assert_eq!(grant.access, Access::ReadWrite, "{reference:?} is written, and granted to be read");
        let to = grant.place(offset, bytes.len());
        // SAFETY: as in `read`.
        unsafe { to.copy_from(NonNull::from(bytes).cast(), bytes.len()) }
    }

    /// Maps a page, as `domain` (`GNTTABOP_map_grant_ref`). The grant can't be revoked before the mapping is dropped.
    ///
    /// # Panics
    /// Where `domain` was not granted the page.
    pub fn map(&'static self, domain: DomainId, reference: Reference) -> Mapping {
        self.granted(domain, reference);
        self.change_mappings(reference, |mappings| mappings + 1);
        Mapping { table: self, domain, reference }
    }

    fn granted(&self, domain: DomainId, reference: Reference) -> Grant {
        let grant = self.get(reference).unwrap_or_else(|| panic!("{reference:?} is used, and not granted"));
        assert_eq!(grant.domain, domain, "{reference:?} is used by another domain than it was granted to");
        grant
    }

    fn change_mappings(&self, reference: Reference, change: impl Fn(usize) -> usize) {
        if let Some(grant) = self.grants.borrow_mut().get_mut(&reference.0) {
            grant.mappings = change(grant.mappings);
        }
    }
}

impl GrantTable for &'static FakeGrantTable {
    unsafe fn grant(
        &self,
        domain: DomainId,
        page: NonNull<u8>,
        access: Access,
    ) -> Result<Reference, GrantError> {
        assert!(
            page.addr().get().is_multiple_of(PAGE_SIZE),
            "{page:?} is granted, and does not begin a page"
        );
        if self.count() >= self.limit.get() {
            return Err(GrantError::Full);
        }
        let reference = self.next.replace(self.next.get() + 1);
        self.grants.borrow_mut().insert(reference, Grant { domain, page, access, mappings: 0 });
        Ok(Reference(reference))
    }

    fn revoke(&self, reference: Reference) -> Result<(), GrantError> {
        let grant =
            self.get(reference).unwrap_or_else(|| panic!("{reference:?} is revoked, and not granted"));
        if grant.mappings != 0 {
            return Err(GrantError::InUse);
        }
        self.grants.borrow_mut().remove(&reference.0);
        Ok(())
    }
}

impl Grant {
    /// Where bytes of the page are.
    fn place(&self, offset: usize, length: usize) -> NonNull<u8> {
        let fits = offset.checked_add(length).is_some_and(|end| end <= PAGE_SIZE);
        assert!(fits, "{length} bytes at {offset} are not in the page");
        // SAFETY: the offset lies in the page.
        unsafe { self.page.add(offset) }
    }
}

/// A page as a backend mapped it. Dropping it unmaps.
pub struct Mapping {
    table: &'static FakeGrantTable,
    domain: DomainId,
    reference: Reference,
}

impl Mapping {
    /// Copies bytes of the page out.
    ///
    /// # Panics
    /// Where `bytes` do not end within the page.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) {
        self.table.read(self.domain, self.reference, offset, bytes);
    }

    /// Copies bytes into the page.
    ///
    /// # Panics
    /// Where the page was granted to be read, or `bytes` do not end within it.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        self.table.write(self.domain, self.reference, offset, bytes);
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.table.change_mappings(self.reference, |mappings| mappings - 1);
    }
}
