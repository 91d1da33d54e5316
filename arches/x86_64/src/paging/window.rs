//! Addresses whose pages lie anywhere in memory, each on its own.

use core::ops::Range;

use super::entry::{Access, Content, Entry};
use super::space::{MapError, ROOT_LEVEL, index, span};
use super::{LOWER_HALF_END, PAGE_SIZE};

/// The addresses of a [`Window`]: 64 GiB far above all memory and registers of devices.
pub const WINDOW: Range<u64> = 127 << 40..(127 << 40) + (64 << 30);

/// Page tables that can be changed, and the memory that they and the pages of a window are made of.
///
/// A page is known by where the processor finds it outside the window. Memory of the entries' addresses may be numbered
/// otherwise; who says nothing of it numbers it so too.
pub trait Backing {
    /// A page of zeros that is nobody else's.
    fn allocate(&mut self) -> Option<u64>;

    /// Takes a page of [`allocate`](Backing::allocate) back.
    fn free(&mut self, page: u64);

    /// Fills a page of [`allocate`](Backing::allocate) with zeros again.
    fn clear(&mut self, page: u64);

    /// Entry `index` of the table at `table`, as of the last [`finish`](Backing::finish) at least.
    fn entry(&self, table: u64, index: usize) -> Entry;

    /// Changes an entry of a table of the lowest level; the change may wait for [`finish`](Backing::finish).
    fn set(&mut self, table: u64, index: usize, entry: Entry);

    /// Makes a table of the page of zeros at `page`, links it, and returns its address.
    fn link(&mut self, table: u64, index: usize, page: u64) -> u64;

    /// Takes a table away that maps nothing, when all is finished, and returns the page that it was made of.
    fn unlink(&mut self, table: u64, index: usize) -> u64;

    /// Makes what was changed take effect. Of `forget` the processor may know entries that are no longer so.
    fn finish(&mut self, forget: Option<Range<u64>>);

    /// The address that an entry for `page` has.
    fn address(&self, page: u64) -> u64 {
        page
    }

    /// The page whose entries have `address`.
    fn page(&self, address: u64) -> u64 {
        address
    }
}

/// What is at [`WINDOW`], in the page tables of one root.
///
/// Each of its pages holds zeros at first, and nothing can be done with it. It takes memory as soon as something can; tables
/// that map nothing are given back.
#[derive(Debug)]
pub struct Window<B> {
    root: u64,
    backing: B,
}

/// The bits of an address within a page.
const LOWEST_SHIFT: u32 = PAGE_SIZE.trailing_zeros();

/// Entries of a table.
const ENTRIES: usize = 512;

/// Which pages are taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    All,
    Fresh,
}

impl<B: Backing> Window<B> {
    /// That of the root table at `root`.
    pub const fn new(root: u64, backing: B) -> Self {
        Self { root, backing }
    }

    /// Puts pages of zeros at `range`, in place of what was there; with no `access`, none that take memory. Pages that are there
    /// are used again, so that memory is never short for them.
    ///
    /// # Errors
    /// As [`MapError`] says. Where memory is short nothing is there then.
    pub fn map(&mut self, range: Range<u64>, access: Option<Access>) -> Result<(), MapError> {
        check(&range)?;
        let filled = access.map(|access| self.fill(range.clone(), Some(access)));
        let changed = match filled {
            Some(Ok(changed)) => changed,
            Some(Err(_)) | None => self.clear_in(self.root, ROOT_LEVEL, range.clone(), Which::All),
        };
        self.backing.finish(changed.then_some(range));
        filled.unwrap_or(Ok(false)).map(drop)
    }

    /// Changes what can be done with the pages of `range`, which keep what they hold.
    ///
    /// # Errors
    /// As [`MapError`] says; then all is as before.
    pub fn protect(&mut self, range: Range<u64>, access: Option<Access>) -> Result<(), MapError> {
        check(&range)?;
        let filled = access.map_or(Ok(false), |_| self.fill(range.clone(), None));
        let changed = match filled {
            Ok(_) => self.change_in(self.root, ROOT_LEVEL, range.clone(), access),
            Err(_) => self.clear_in(self.root, ROOT_LEVEL, range.clone(), Which::Fresh),
        };
        self.backing.finish(changed.then_some(range));
        filled.map(drop)
    }

    /// Whether every byte of `range`, in the window or elsewhere, is memory that can be read, and written where `write` says
    /// so.
    pub fn allows(&self, range: Range<u64>, write: bool) -> bool {
        if range.end > LOWER_HALF_END {
            return range.is_empty();
        }
        let mut address = range.start;
        while address < range.end {
            let (entry, span) = self.entry(address);
            let allowed = if write { entry.is_memory() } else { entry.is_readable() };
            if !allowed {
                return false;
            }
            address = (address | (span - 1)) + 1;
        }
        true
    }

    /// The entry that decides about `address`, and the bytes that it stands for.
    fn entry(&self, address: u64) -> (Entry, u64) {
        // Most system calls ask this, so it is written out.
        let (mut table, mut shift) = (self.root, span(ROOT_LEVEL).trailing_zeros());
        loop {
            let entry = self.backing.entry(table, (address >> shift) as usize % ENTRIES);
            match entry.next(shift - LOWEST_SHIFT) {
                Some(next) => (table, shift) = (next, shift - 9),
                None => return (entry, 1 << shift),
            }
        }
    }

    /// As [`fill_in`](Window::fill_in), from the root on.
    fn fill(&mut self, range: Range<u64>, access: Option<Access>) -> Result<bool, MapError> {
        let filled = self.fill_in(self.root, ROOT_LEVEL, range, access);
        self.backing.finish(None);
        filled
    }

    /// With an `access` has pages of zeros that can be used so; without one, puts a kept page marked as new where there is none.
    /// Returns whether the processor may know of one as it was.
    fn fill_in(
        &mut self,
        table: u64,
        level: u32,
        range: Range<u64>,
        access: Option<Access>,
    ) -> Result<bool, MapError> {
        let mut known = false;
        for (index, piece) in pieces(range, level) {
            let entry = self.backing.entry(table, index);
            if level > 0 {
                let next = entry.next(level).map_or_else(|| self.link(table, index), Ok)?;
                known |= self.fill_in(next, level - 1, piece, access)?;
            } else if entry == Entry::EMPTY {
                let page = self.allocate()?;
                let entry = access.map_or(Entry::fresh(page), |access| self.mapping(page, access));
                self.backing.set(table, index, entry);
            } else if let Some((page, access)) = self.page(entry).zip(access) {
                self.backing.clear(page);
                self.backing.set(table, index, self.mapping(page, access));
                known |= entry.is_present();
            }
        }
        Ok(known)
    }

    /// Changes the entries of pages that there are. Returns whether the processor may know of one as it was.
    fn change_in(&mut self, table: u64, level: u32, range: Range<u64>, access: Option<Access>) -> bool {
        let mut known = false;
        for (index, piece) in pieces(range, level) {
            let entry = self.backing.entry(table, index);
            if let Some(next) = entry.next(level) {
                known |= self.change_in(next, level - 1, piece, access);
            } else if let Some(page) = self.page(entry) {
                let new = access.map_or(Entry::kept(page), |access| self.mapping(page, access));
                self.backing.set(table, index, new);
                known |= entry.is_present();
            }
        }
        known
    }

    /// Takes pages away, and tables that map nothing then. Returns whether the processor may know of one.
    fn clear_in(&mut self, table: u64, level: u32, range: Range<u64>, which: Which) -> bool {
        let mut known = false;
        for (index, piece) in pieces(range, level) {
            let entry = self.backing.entry(table, index);
            if let Some(next) = entry.next(level) {
                known |= self.clear_in(next, level - 1, piece.clone(), which);
                let last = self::index(piece.end - 1, level - 1);
                known |= self.unlink_empty(table, index, next, last);
            } else if let Some(page) = self.page(entry).filter(|_| which == Which::All || entry.is_fresh()) {
                self.backing.set(table, index, Entry::EMPTY);
                self.backing.free(page);
                known |= entry.is_present();
            }
        }
        known
    }

    /// Takes the table at `next` away where it maps nothing; its entry at `cleared` was cleared. Returns whether it did.
    fn unlink_empty(&mut self, table: u64, index: usize, next: u64, cleared: usize) -> bool {
        self.backing.finish(None);
        // From there up, and then down: the neighbours of what is taken away are mostly in use.
        let mut indices = (cleared..ENTRIES).chain((0..cleared).rev());
        let empty = indices.all(|index| self.backing.entry(next, index) == Entry::EMPTY);
        if empty {
            let page = self.backing.unlink(table, index);
            self.backing.free(page);
        }
        empty
    }

    fn allocate(&mut self) -> Result<u64, MapError> {
        self.backing.allocate().ok_or(MapError::OutOfMemory)
    }

    /// Links a new table.
    fn link(&mut self, table: u64, index: usize) -> Result<u64, MapError> {
        let page = self.allocate()?;
        Ok(self.backing.link(table, index, page))
    }

    fn mapping(&self, page: u64, access: Access) -> Entry {
        Entry::new(Content::Mapped(access), self.backing.address(page), 0)
    }

    /// The page that an entry of the lowest level maps or keeps.
    fn page(&self, entry: Entry) -> Option<u64> {
        if entry.is_present() { Some(self.backing.page(entry.address())) } else { entry.kept_page() }
    }
}

/// That `range` is whole pages of the window.
fn check(range: &Range<u64>) -> Result<(), MapError> {
    let aligned = range.start.is_multiple_of(PAGE_SIZE) && range.end.is_multiple_of(PAGE_SIZE);
    let inside = WINDOW.start <= range.start && range.start <= range.end && range.end <= WINDOW.end;
    if aligned && inside { Ok(()) } else { Err(MapError::BadRange) }
}

/// The pieces of `range` that the entries of a table of `level` stand for, each with the index of its entry.
fn pieces(range: Range<u64>, level: u32) -> impl Iterator<Item = (usize, Range<u64>)> {
    let mut start = range.start;
    core::iter::from_fn(move || {
        let piece = start..range.end.min((start | (span(level) - 1)) + 1);
        start = piece.end;
        (!piece.is_empty()).then(|| (index(piece.start, level), piece))
    })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::collections::BTreeMap;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::super::entry::Table;
    use super::*;

    /// Pages by number, of which a limited number can be had; page 0 is the root.
    struct Memory {
        pages: Vec<Table>,
        free: Vec<u64>,
        /// Changes that wait for `finish`.
        waiting: Vec<(u64, usize, Entry)>,
        /// What the processor was told to forget.
        forgotten: Vec<Range<u64>>,
    }

    /// As entries of this memory number it.
    const OFFSET: u64 = 1 << 30;

    impl Backing for Memory {
        fn allocate(&mut self) -> Option<u64> {
            let page = self.free.pop()?;
            self.pages[(page / PAGE_SIZE) as usize] = Table::EMPTY;
            Some(page)
        }

        fn free(&mut self, page: u64) {
            assert!(page != 0 && !self.free.contains(&page), "{page:#x} is freed twice");
            self.free.push(page);
        }

        fn clear(&mut self, page: u64) {
            self.pages[(page / PAGE_SIZE) as usize] = Table::EMPTY;
        }

        fn entry(&self, table: u64, index: usize) -> Entry {
            self.pages[((table - OFFSET) / PAGE_SIZE) as usize].0[index]
        }

        fn set(&mut self, table: u64, index: usize, entry: Entry) {
            self.waiting.push((table, index, entry));
        }

        fn link(&mut self, table: u64, index: usize, page: u64) -> u64 {
            self.change(table, index, Entry::table(page + OFFSET));
            page + OFFSET
        }

        fn unlink(&mut self, table: u64, index: usize) -> u64 {
            assert_eq!(self.waiting, []);
            let next = self.entry(table, index).next(1).expect("an entry that points to a table") - OFFSET;
            assert!(self.pages[(next / PAGE_SIZE) as usize].0.iter().all(|entry| *entry == Entry::EMPTY));
            self.change(table, index, Entry::EMPTY);
            next
        }

        fn finish(&mut self, forget: Option<Range<u64>>) {
            for (table, index, entry) in core::mem::take(&mut self.waiting) {
                self.change(table, index, entry);
            }
            self.forgotten.extend(forget);
        }

        fn address(&self, page: u64) -> u64 {
            page + OFFSET
        }

        fn page(&self, address: u64) -> u64 {
            address - OFFSET
        }
    }

    impl Memory {
        fn change(&mut self, table: u64, index: usize, entry: Entry) {
            self.pages[((table - OFFSET) / PAGE_SIZE) as usize].0[index] = entry;
        }
    }

    /// A window with memory for `pages` pages and tables.
    fn window(pages: u64) -> Window<Memory> {
        let memory = Memory {
            pages: std::vec![Table::EMPTY; pages as usize + 1],
            free: (1..=pages).map(|page| page * PAGE_SIZE).collect(),
            waiting: Vec::new(),
            forgotten: Vec::new(),
        };
        Window::new(OFFSET, memory)
    }

    /// `count` pages of the window from number `first` on.
    fn range(first: u64, count: u64) -> Range<u64> {
        let start = WINDOW.start + first * PAGE_SIZE;
        start..start + count * PAGE_SIZE
    }

    const WRITE: Option<Access> = Some(Access::ReadWrite);

    impl Window<Memory> {
        /// The word that the page at `number` begins with, where it can be read.
        fn word(&mut self, number: u64) -> Option<&mut Entry> {
            let (entry, _) = self.entry(WINDOW.start + number * PAGE_SIZE);
            let page = entry.is_readable().then(|| self.backing.page(entry.address()))?;
            Some(&mut self.backing.pages[(page / PAGE_SIZE) as usize].0[0])
        }
    }

    #[test]
    fn what_is_no_part_of_the_window_is_refused() {
        let mut window = window(10);
        let far = WINDOW.end..WINDOW.end + PAGE_SIZE;
        #[expect(clippy::reversed_empty_ranges, reason = "it is refused")]
        let reversed = WINDOW.start + PAGE_SIZE..WINDOW.start;
        for range in [0..PAGE_SIZE, far, reversed, WINDOW.start + 1..WINDOW.start + PAGE_SIZE] {
            assert_eq!(window.map(range.clone(), WRITE), Err(MapError::BadRange), "{range:#x?}");
            assert_eq!(window.protect(range.clone(), None), Err(MapError::BadRange), "{range:#x?}");
        }
        assert_eq!(window.backing.free.len(), 10);
    }

    #[test]
    fn addresses_without_memory_take_no_tables() {
        let mut window = window(0);
        window.map(WINDOW, None).unwrap();
        window.protect(WINDOW, None).unwrap();
        assert_eq!(window.map(range(0, 1), WRITE), Err(MapError::OutOfMemory));
    }

    #[test]
    fn out_of_memory_leaves_all_as_it_was() {
        let mut window = window(3 + 10);
        window.map(range(5, 2), WRITE).unwrap();
        *window.word(5).unwrap() = Entry::table(77);
        window.protect(range(6, 1), None).unwrap();
        assert_eq!(window.protect(range(0, 600), WRITE), Err(MapError::OutOfMemory));
        assert_eq!(window.backing.free.len(), 8);
        assert_eq!(window.word(5), Some(&mut Entry::table(77)));
        assert!(window.word(4).is_none() && window.word(6).is_none());
        assert_eq!(window.map(range(0, 600), WRITE), Err(MapError::OutOfMemory));
        assert_eq!(window.backing.free.len(), 13, "what was replaced is gone");
        window.map(range(0, 10), WRITE).unwrap();
        window.map(range(0, 10), None).unwrap();
        assert_eq!(window.backing.free.len(), 13);
    }

    #[test]
    fn pages_that_are_there_become_zeros_where_no_memory_is_free() {
        let mut window = window(3 + 4);
        window.map(range(0, 4), WRITE).unwrap();
        window.backing.free.clear();
        *window.word(2).unwrap() = Entry::table(77);
        window.map(range(1, 3), Some(Access::Read)).unwrap();
        assert_eq!(window.word(2).copied(), Some(Entry::EMPTY));
        assert!(!window.allows(range(2, 1), true) && window.allows(range(0, 1), true));
        assert_eq!(window.backing.forgotten, [range(1, 3)]);
        window.map(range(1, 4), WRITE).expect_err("there is no fourth one");
        assert_eq!(window.backing.free.len(), 3);
    }

    #[test]
    fn the_processor_forgets_what_it_may_know_and_no_more() {
        let mut window = window(20);
        window.map(range(0, 4), WRITE).unwrap();
        window.protect(range(4, 4), WRITE).unwrap();
        assert_eq!(window.backing.forgotten, []);
        window.protect(range(1, 2), Some(Access::Read)).unwrap();
        window.map(range(3, 1), None).unwrap();
        assert_eq!(window.backing.forgotten, [range(1, 2), range(3, 1)]);
    }

    #[test]
    fn nothing_is_allowed_beyond_the_lower_half() {
        let window = window(0);
        assert!(!window.allows(LOWER_HALF_END..LOWER_HALF_END + 1, false));
        assert!(!window.allows(0..u64::MAX, false));
        assert!(window.allows(5..5, true));
    }

    #[derive(Clone, Copy, Debug)]
    enum Change {
        Map(Option<Access>),
        Protect(Option<Access>),
        Write(u64),
    }

    fn change() -> impl Strategy<Value = Change> {
        const ACCESSES: [Option<Access>; 4] = [None, Some(Access::Read), WRITE, Some(Access::ReadExecute)];
        let access = prop::sample::select(&ACCESSES[..]);
        prop_oneof![
            access.clone().prop_map(Change::Map),
            access.prop_map(Change::Protect),
            (1u64..1 << 40).prop_map(Change::Write),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Against a plain map from page to what can be done with it and what it holds.
        #[test]
        fn every_page_holds_what_was_written_last(
            changes in prop::collection::vec((0u64..1200, 1u64..600, change()), 1..20),
            memory in 500u64..3000,
        ) {
            // Across the end of what a table of level 1 is for.
            let base = (1 << 18) - 600;
            let mut window = window(memory);
            let mut model: BTreeMap<u64, (Option<Access>, u64)> = BTreeMap::new();
            for (first, count, change) in changes {
                let (first, pages) = (base + first, base + first..base + first + count);
                match change {
                    Change::Map(access) => {
                        let mapped = window.map(range(first, count), access);
                        model.retain(|page, _| !pages.contains(page));
                        match mapped {
                            Ok(()) => model.extend(pages.filter(|_| access.is_some()).map(|page| (page, (access, 0)))),
                            Err(error) => prop_assert_eq!(error, MapError::OutOfMemory),
                        }
                    }
                    Change::Protect(access) => match window.protect(range(first, count), access) {
                        Ok(()) if access.is_some() => for page in pages {
                            model.entry(page).or_insert((None, 0)).0 = access;
                        },
                        Ok(()) => model.range_mut(pages).for_each(|(_, (old, _))| *old = None),
                        Err(error) => prop_assert_eq!(error, MapError::OutOfMemory),
                    },
                    Change::Write(value) => {
                        let entry = Entry::table(value << 12);
                        if let (Some(word), Some(page)) = (window.word(first), model.get_mut(&first)) {
                            (*word, page.1) = (entry, value);
                        }
                    }
                }
                prop_assert_eq!(&window.backing.waiting, &[]);
            }
            for page in base..base + 1800 {
                let (access, value) = model.get(&page).copied().unwrap_or((None, 0));
                let bytes = range(page, 1);
                prop_assert_eq!(window.allows(bytes.clone(), false), access.is_some());
                prop_assert_eq!(window.allows(bytes, true), access == WRITE);
                let expected = if value == 0 { Entry::EMPTY } else { Entry::table(value << 12) };
                prop_assert_eq!(window.word(page).copied(), access.map(|_| expected));
            }
            let kept = model.len() as u64;
            let used = memory - window.backing.free.len() as u64;
            prop_assert!(used >= kept && used <= kept + 8, "{} pages for {}", used, kept);
            window.map(WINDOW, None).unwrap();
            prop_assert_eq!(window.backing.free.len() as u64, memory, "all is given back");
        }
    }
}
