//! Entries of page tables (Intel SDM volume 3A, section 5.5.4).

/// What may be done with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Read,
    /// Reading and writing.
    ReadWrite,
    /// Reading and executing.
    ReadExecute,
    /// Reading and writing device registers, uncached.
    Device,
}

/// What a page is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Mapped.
    Mapped(Access),
    /// A guard page: not mapped, with a number of 32 bits to find again.
    Guard(u32),
}

impl Content {
    /// The highest level whose entries can hold it, under `limit`.
    pub(super) fn largest(self, limit: u32) -> u32 {
        match self {
            Self::Mapped(_) => limit,
            Self::Guard(_) => 0,
        }
    }
}

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const WRITE_THROUGH: u64 = 1 << 3;
const UNCACHED: u64 = 1 << 4;
const LARGE: u64 = 1 << 7;
/// Among the bits that the processor leaves to software, in an entry that is not present.
const GUARD: u64 = 1 << 9;
/// As [`GUARD`]: the entry keeps a page of memory.
const KEPT: u64 = 1 << 10;
/// As [`GUARD`]: the page that it keeps is a new one.
const FRESH: u64 = 1 << 11;
const NO_EXECUTE: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
/// Where a guard's number lies, inverted among the bits of the address, as the address of a page that is kept is, so that
/// they name no memory: processors with the L1 terminal fault read it (Intel, "Deep Dive: L1 Terminal Fault"), for which Xen ends a PV domain.
const NOTE_SHIFT: u32 = 12;

/// An entry of a page table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Entry(u64);

impl Entry {
    /// Nothing is mapped.
    pub const EMPTY: Self = Self(0);

    /// The entry for `content` at `address`, in a table of `level`.
    pub const fn new(content: Content, address: u64, level: u32) -> Self {
        let access = match content {
            Content::Mapped(Access::Read) => NO_EXECUTE,
            Content::Mapped(Access::ReadWrite) => WRITABLE | NO_EXECUTE,
            Content::Mapped(Access::ReadExecute) => 0,
            Content::Mapped(Access::Device) => WRITABLE | NO_EXECUTE | WRITE_THROUGH | UNCACHED,
            Content::Guard(note) => return Self(GUARD | ADDRESS ^ (note as u64) << NOTE_SHIFT),
        };
        let size = if level > 0 { LARGE } else { 0 };
        Self(address | access | size | PRESENT)
    }

    /// The entry that points to the table at `address`. The pages' own entries decide what may be done.
    pub const fn table(address: u64) -> Self {
        Self(address | WRITABLE | PRESENT)
    }

    /// The address of the next table, where an entry of a table of `level` points to one.
    pub const fn next(self, level: u32) -> Option<u64> {
        if level > 0 && self.is_present() && self.0 & LARGE == 0 { Some(self.0 & ADDRESS) } else { None }
    }

    /// Whether it maps a page or points to a table.
    pub const fn is_present(self) -> bool {
        self.0 & PRESENT != 0
    }

    /// Whether it maps a page that may be written and is no device's.
    pub const fn is_memory(self) -> bool {
        self.0 & (PRESENT | WRITABLE | UNCACHED) == PRESENT | WRITABLE
    }

    /// The number of a guard page.
    pub const fn guard(self) -> Option<u32> {
        if self.0 & (PRESENT | GUARD) == GUARD { Some((!self.0 >> NOTE_SHIFT) as u32) } else { None }
    }

    /// Keeps the page of memory at `page`, of which nothing can be read or written.
    pub(super) const fn kept(page: u64) -> Self {
        Self(KEPT | ADDRESS ^ page)
    }

    /// [`kept`](Entry::kept), and marked as new.
    pub(super) const fn fresh(page: u64) -> Self {
        Self(FRESH | Self::kept(page).0)
    }

    /// The page of memory that it keeps.
    pub(super) const fn kept_page(self) -> Option<u64> {
        if self.0 & (PRESENT | KEPT) == KEPT { Some(!self.0 & ADDRESS) } else { None }
    }

    /// Whether the page that it keeps is marked as new.
    pub(super) const fn is_fresh(self) -> bool {
        self.0 & (PRESENT | FRESH) == FRESH
    }

    /// The physical address of the page that it maps.
    pub const fn address(self) -> u64 {
        self.0 & ADDRESS
    }

    /// Whether it maps a page that may be read and is no device's.
    pub const fn is_readable(self) -> bool {
        self.0 & (PRESENT | UNCACHED) == PRESENT
    }

    /// As the processor reads it.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The entry for the first piece of a large page in a table of `level`, for the table below.
    pub(super) const fn first_piece(self, level: u32) -> Self {
        // In the lowest table the bit that means "large" elsewhere selects a memory type.
        if level == 1 { Self(self.0 & !LARGE) } else { self }
    }

    /// The entry for what lies `step` bytes further on, with the same access.
    pub(super) const fn following(self, step: u64) -> Self {
        Self(self.0.wrapping_add(step))
    }
}

/// A page table.
#[derive(Clone, Debug)]
#[repr(C, align(4096))]
pub struct Table(pub [Entry; 512]);

impl Table {
    /// A table that maps nothing.
    pub const EMPTY: Self = Self([Entry::EMPTY; 512]);
}

#[cfg(test)]
mod tests {
    use super::{ADDRESS, Access, Content, Entry};

    #[test]
    fn nothing_is_writable_and_executable() {
        for access in [Access::Read, Access::ReadWrite, Access::ReadExecute, Access::Device] {
            let Entry(bits) = Entry::new(Content::Mapped(access), 0x20_0000, 1);
            assert!(bits >> 63 == 1 || bits & 2 == 0, "{access:?} gives {bits:#x}");
        }
    }

    #[test]
    fn entries_have_the_bits_of_the_manual() {
        assert_eq!(Entry::new(Content::Mapped(Access::ReadExecute), 0x10_1000, 0).0, 0x10_1001);
        assert_eq!(Entry::new(Content::Mapped(Access::ReadWrite), 0x40_0000, 1).0, 0x8000_0000_0040_0083);
        assert_eq!(Entry::new(Content::Mapped(Access::Device), 0xfee0_0000, 1).0, 0x8000_0000_fee0_009b);
        assert_eq!(Entry::table(0x5000).next(1), Some(0x5000));
    }

    #[test]
    fn pieces_of_a_large_page_keep_its_access() {
        let large = Entry::new(Content::Mapped(Access::Read), 0x4000_0000, 2);
        let third = large.first_piece(2).following(0x20_0000).following(0x20_0000);
        assert_eq!(third, Entry::new(Content::Mapped(Access::Read), 0x4040_0000, 1));
        assert_eq!(third.first_piece(1), Entry::new(Content::Mapped(Access::Read), 0x4040_0000, 0));
    }

    #[test]
    fn a_guard_keeps_its_number() {
        let guard = Entry::new(Content::Guard(u32::MAX), 0x1000, 0);
        assert!(!guard.is_present());
        assert_eq!(guard.guard(), Some(u32::MAX));
        assert_eq!(Entry::new(Content::Guard(0), 0x1000, 0).guard(), Some(0));
        assert_eq!(Entry::EMPTY.guard(), None);
    }

    #[test]
    fn a_guard_names_no_memory() {
        for note in [0, 1, 0x1_0000, u32::MAX] {
            let Entry(bits) = Entry::new(Content::Guard(note), 0, 0);
            assert!(bits & ADDRESS >= 0xff << 44, "note {note:#x} gives {bits:#x}");
        }
    }

    #[test]
    fn a_page_is_kept_and_not_named() {
        for page in [0, 0x1000, 0x7f_ffff_f000] {
            for (entry, fresh) in [(Entry::kept(page), false), (Entry::fresh(page), true)] {
                assert_eq!((entry.kept_page(), entry.is_fresh()), (Some(page), fresh));
                assert!(!entry.is_present() && !entry.is_readable() && entry.guard().is_none());
                assert!(entry.0 & ADDRESS >= 0xff << 44, "page {page:#x} gives {entry:?}");
            }
        }
        let mapped = Entry::new(Content::Mapped(Access::Read), 0xc00, 0);
        assert_eq!((mapped.kept_page(), mapped.is_fresh()), (None, false));
    }
}
