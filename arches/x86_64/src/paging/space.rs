//! Walking and changing page tables, wherever they lie.

use core::fmt::{self, Display};
use core::ops::Range;

use super::entry::{Content, Entry, Table};
use super::{ADDRESS_END, PAGE_SIZE};

/// The level of the root table; tables of level 0 map pages of 4 KiB.
pub(super) const ROOT_LEVEL: u32 = 3;

/// Where page tables lie.
pub trait Tables {
    /// The physical address of a new table that maps nothing.
    fn allocate(&mut self) -> Option<u64>;

    /// The table at `address`, which is the root or came from [`allocate`](Tables::allocate).
    fn table(&mut self, address: u64) -> &mut Table;
}

/// Why addresses could not be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// No memory for a page table.
    OutOfMemory,
    /// The range does not begin and end at a page, or reaches beyond the addresses that can be mapped.
    BadRange,
}

impl Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory => "no memory for a page table",
            Self::BadRange => "addresses that cannot be mapped",
        })
    }
}

impl core::error::Error for MapError {}

/// An address space.
#[derive(Debug)]
pub struct Space<T> {
    root: u64,
    /// The highest level that maps pages: 1 for 2 MiB, 2 for 1 GiB.
    largest: u32,
    tables: T,
}

impl<T: Tables> Space<T> {
    /// The space of the root table at `root`. It uses pages of 1 GiB where the processor has `gibibyte_pages`.
    pub const fn new(root: u64, gibibyte_pages: bool, tables: T) -> Self {
        Self { root, largest: if gibibyte_pages { 2 } else { 1 }, tables }
    }

    /// Makes `content` of every page of `range`.
    ///
    /// # Errors
    /// As [`MapError`] says; a part of the range may be changed.
    pub fn set(&mut self, range: Range<u64>, content: Content) -> Result<(), MapError> {
        let aligned = range.start.is_multiple_of(PAGE_SIZE) && range.end.is_multiple_of(PAGE_SIZE);
        if !aligned || range.end > ADDRESS_END {
            return Err(MapError::BadRange);
        }
        self.set_in(self.root, ROOT_LEVEL, range, content)
    }

    /// The entry that decides about `address`.
    pub fn entry(&mut self, address: u64) -> Entry {
        let (mut table, mut level) = (self.root, ROOT_LEVEL);
        loop {
            let entry = self.tables.table(table).0[index(address, level)];
            match entry.next(level) {
                Some(next) => (table, level) = (next, level - 1),
                None => return entry,
            }
        }
    }

    fn set_in(
        &mut self,
        table: u64,
        level: u32,
        range: Range<u64>,
        content: Content,
    ) -> Result<(), MapError> {
        let mut start = range.start;
        while start < range.end {
            let index = index(start, level);
            let run = self.run(table, level, start..range.end, content);
            if run > 0 {
                let entries = &mut self.tables.table(table).0[index..index + run];
                fill(entries, Entry::new(content, start, level), level);
                start += run as u64 * span(level);
            } else {
                let end = range.end.min((start | (span(level) - 1)) + 1);
                let next = self.descend(table, level, index)?;
                self.set_in(next, level - 1, start..end, content)?;
                start = end;
            }
        }
        Ok(())
    }

    /// How many entries of a table of `level` from the start of `range` on can hold `content` themselves.
    fn run(&mut self, table: u64, level: u32, range: Range<u64>, content: Content) -> usize {
        if level > content.largest(self.largest) || !range.start.is_multiple_of(span(level)) {
            return 0;
        }
        let whole = ((range.end - range.start) / span(level)) as usize;
        let first = index(range.start, level);
        let last = (first + whole).min(512);
        if level == 0 {
            return last - first;
        }
        let entries = &self.tables.table(table).0[first..last];
        entries.iter().take_while(|entry| entry.next(level).is_none()).count()
    }

    /// The table under an entry of a table of `level`; a new one where there is none, which changes nothing yet.
    fn descend(&mut self, table: u64, level: u32, index: usize) -> Result<u64, MapError> {
        let entry = self.tables.table(table).0[index];
        if let Some(next) = entry.next(level) {
            return Ok(next);
        }
        let next = self.tables.allocate().ok_or(MapError::OutOfMemory)?;
        if entry.is_present() {
            fill(&mut self.tables.table(next).0, entry.first_piece(level), level - 1);
        }
        self.tables.table(table).0[index] = Entry::table(next);
        Ok(next)
    }
}

/// Fills entries of a table of `level` with `first` and what follows it in memory; a guard stays what it is.
fn fill(entries: &mut [Entry], first: Entry, level: u32) {
    let step = if first.is_present() { span(level) } else { 0 };
    let mut next = first;
    // Four at a time, in half the instructions: much of an image's start is this.
    let (blocks, rest) = entries.as_chunks_mut();
    for [one, two, three, four] in blocks {
        *one = next;
        *two = next.following(step);
        *three = next.following(2 * step);
        *four = next.following(3 * step);
        next = next.following(4 * step);
    }
    for entry in rest {
        *entry = next;
        next = next.following(step);
    }
}

/// The bytes that an entry of a table of `level` stands for.
pub(super) const fn span(level: u32) -> u64 {
    PAGE_SIZE << (9 * level)
}

/// The index of `address` in a table of `level`.
pub(super) const fn index(address: u64, level: u32) -> usize {
    (address / span(level)) as usize % 512
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::collections::BTreeMap;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::super::entry::Access;
    use super::*;

    struct Memory {
        tables: Vec<Table>,
        limit: usize,
    }

    impl Tables for Memory {
        fn allocate(&mut self) -> Option<u64> {
            self.tables.push(Table::EMPTY);
            (self.tables.len() <= self.limit).then_some((self.tables.len() as u64 - 1) << 12)
        }

        fn table(&mut self, address: u64) -> &mut Table {
            &mut self.tables[(address >> 12) as usize]
        }
    }

    fn space(gibibyte_pages: bool, limit: usize) -> Space<Memory> {
        Space::new(0, gibibyte_pages, Memory { tables: [Table::EMPTY].into(), limit })
    }

    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;
    const WRITE: Content = Content::Mapped(Access::ReadWrite);

    #[test]
    fn the_largest_pages_that_fit_are_used() {
        let mut space = space(true, 100);
        space.set(0..4 * GIB, WRITE).unwrap();
        assert_eq!(space.tables.tables.len(), 2, "root and one table of 1 GiB pages");
        space.set(GIB + 2 * MIB..GIB + 4 * MIB, Content::Mapped(Access::Device)).unwrap();
        assert_eq!(space.tables.tables.len(), 3, "one page of 1 GiB split");
        assert_eq!(space.entry(GIB), Entry::new(WRITE, GIB, 1));
        assert_eq!(space.entry(GIB + 3 * MIB), Entry::new(Content::Mapped(Access::Device), GIB + 2 * MIB, 1));
    }

    #[test]
    fn without_them_two_mebibytes_are_the_largest() {
        let mut space = space(false, 100);
        space.set(0..2 * GIB, WRITE).unwrap();
        assert_eq!(space.tables.tables.len(), 4);
    }

    #[test]
    fn a_guard_takes_one_page_alone() {
        let mut space = space(false, 100);
        space.set(0..4 * MIB, WRITE).unwrap();
        space.set(MIB..MIB + PAGE_SIZE, Content::Guard(7)).unwrap();
        assert_eq!(space.entry(MIB).guard(), Some(7));
        assert_eq!(space.entry(MIB - 1), Entry::new(WRITE, MIB - PAGE_SIZE, 0));
        assert_eq!(space.entry(MIB + PAGE_SIZE), Entry::new(WRITE, MIB + PAGE_SIZE, 0));
        assert_eq!(space.entry(3 * MIB), Entry::new(WRITE, 2 * MIB, 1));
        assert!(!space.entry(GIB).is_present());
    }

    #[test]
    fn what_cannot_be_mapped_is_refused() {
        let mut space = space(false, 100);
        assert_eq!(space.set(1..PAGE_SIZE, WRITE), Err(MapError::BadRange));
        assert_eq!(space.set(0..ADDRESS_END + PAGE_SIZE, WRITE), Err(MapError::BadRange));
        space.set(ADDRESS_END - PAGE_SIZE..ADDRESS_END, WRITE).unwrap();
    }

    #[test]
    fn out_of_memory_is_told() {
        assert_eq!(space(false, 2).set(0..PAGE_SIZE, WRITE), Err(MapError::OutOfMemory));
    }

    fn content() -> impl Strategy<Value = Content> {
        prop_oneof![
            prop::sample::select(&[Access::Read, Access::ReadWrite, Access::ReadExecute, Access::Device][..])
                .prop_map(Content::Mapped),
            any::<u32>().prop_map(Content::Guard),
        ]
    }

    proptest! {
        /// Against a plain map from page to content.
        #[test]
        fn every_page_is_what_it_was_set_to_last(
            changes in prop::collection::vec((0u64..1600, 1u64..1200, content()), 1..12),
            gibibyte_pages: bool,
        ) {
            let base = GIB - 2 * MIB;
            let mut space = space(gibibyte_pages, 100);
            let mut model = BTreeMap::new();
            for (first, count, content) in changes {
                let start = base + first * PAGE_SIZE;
                space.set(start..start + count * PAGE_SIZE, content).unwrap();
                model.extend((first..first + count).map(|page| (page, content)));
            }
            for page in 0..2800 {
                let address = base + page * PAGE_SIZE;
                let entry = space.entry(address);
                match model.get(&page) {
                    None => prop_assert_eq!(entry, Entry::EMPTY),
                    Some(Content::Guard(note)) => prop_assert_eq!(entry.guard(), Some(*note)),
                    Some(content) => {
                        let sizes = [0, 1, 2].map(|level| Entry::new(*content, address & !(span(level) - 1), level));
                        prop_assert!(sizes.contains(&entry), "page {} is {:?}", page, entry);
                    }
                }
            }
        }
    }
}
