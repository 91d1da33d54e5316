//! A hypervisor that checks page tables as Xen does: a frame has one type at a time, for as long as it is used as that
//! (Xen, `arch/x86/mm.c`).

use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
use std::vec::Vec;

use x86_64::paging::{Access, Content, Entry, PAGE_SIZE};
use xen_abi::Errno;

use super::tables::{Mmu, Update};

const EINVAL: Errno = Errno(22);
const ROOT_LEVEL: u32 = 3;
const ENTRIES: usize = 512;

/// What a frame is used as, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing, or for reading.
    Plain,
    Writable(u32),
    /// A page table of this level.
    Table(u32, u32),
}

/// A frame of the machine.
#[derive(Clone)]
struct FakeFrame {
    owned: bool,
    kind: Kind,
    /// What was written to it; before, it holds anything.
    words: Option<Box<[Entry; ENTRIES]>>,
}

/// What is in memory that nobody has written to: an entry that Xen refuses.
const ANYTHING: Entry = Entry::new(Content::Mapped(Access::ReadWrite), 0x000f_0000_0000_0000, 0);

/// A domain of Xen, its memory mapped as the domain builder does it.
pub(super) struct FakeXen {
    /// The frame of each page.
    frames: Vec<u64>,
    /// The page of each frame.
    pages: BTreeMap<u64, u64>,
    /// Pages that can be allocated.
    free: RefCell<Vec<u64>>,
    /// By number of the frame.
    machine: RefCell<Vec<FakeFrame>>,
    root: u64,
    /// Hypercalls that were made.
    pub calls: Cell<u32>,
    /// Those of them that had the processor forget all entries.
    pub flushes: Cell<u32>,
}

impl FakeXen {
    /// Tables that the domain builder makes.
    pub const BUILT: u64 = 5;
    /// Pages that it maps.
    pub const MAPPED: u64 = 1024;

    /// A domain that has `frames` page by page; the builder's tables lie at page `tables`.
    pub fn new(frames: Vec<u64>, tables: u64) -> Self {
        let count = frames.iter().max().map_or(0, |last| last + 1) as usize;
        let mut machine = std::vec![FakeFrame { owned: false, kind: Kind::Plain, words: None }; count];
        frames.iter().for_each(|frame| machine[*frame as usize].owned = true);
        let root = frames[tables as usize];
        let pages = (0..).map(|page| page * PAGE_SIZE);
        let fake = Self {
            pages: frames.iter().copied().zip(pages).collect(),
            frames,
            free: RefCell::default(),
            machine: RefCell::new(machine),
            root,
            calls: Cell::new(0),
            flushes: Cell::new(0),
        };
        fake.build(tables);
        fake
    }

    /// One table of each level, and a second one of level 0, at once linked.
    fn build(&self, first: u64) {
        let address = |number| self.frames[(first + number) as usize] * PAGE_SIZE;
        for number in 0..Self::BUILT {
            (0..ENTRIES).for_each(|index| self.put(address(number) / PAGE_SIZE, index, Entry::EMPTY));
        }
        // Xen's own tables, in the upper half.
        self.put(self.root, ENTRIES / 2, Entry::table(u64::MAX << 40));
        for (parent, index, child) in [(0, 0, 1), (1, 0, 2), (2, 0, 3), (2, 1, 4)] {
            self.put(address(parent) / PAGE_SIZE, index, Entry::table(address(child)));
        }
        for page in 0..Self::MAPPED {
            let is_table = (first..first + Self::BUILT).contains(&page);
            // The builder has no access that is not to execute, so what it makes writable is both.
            let access = if is_table { Access::ReadExecute } else { Access::ReadWrite };
            let frame = self.frames[page as usize] * PAGE_SIZE;
            let table = address(3 + page / ENTRIES as u64) / PAGE_SIZE;
            self.put(table, page as usize % ENTRIES, Entry::new(Content::Mapped(access), frame, 0));
        }
        self.begin_use(self.root, Kind::Table(ROOT_LEVEL, 1)).expect("the builder keeps to the rules");
    }

    /// Whether the page at `page` is a page table.
    pub fn is_table(&self, page: u64) -> bool {
        let frame = self.machine_address(page) / PAGE_SIZE;
        matches!(self.machine.borrow()[frame as usize].kind, Kind::Table(..))
    }

    /// Has these pages, by number, to be allocated.
    pub fn give(&self, pages: Range<u64>) {
        self.free.borrow_mut().extend(pages.map(|page| page * PAGE_SIZE));
    }

    /// How many pages can be allocated.
    pub fn free_pages(&self) -> usize {
        self.free.borrow().len()
    }

    /// Whether each page that can be allocated is writable where it is, and mapped for that nowhere else.
    pub fn free_pages_are_writable_once(&self) -> bool {
        let kind = |page: &u64| self.kind(self.machine_address(*page) / PAGE_SIZE);
        self.free.borrow().iter().all(|page| kind(page) == Ok(Kind::Writable(1)))
    }

    /// The frame of the lowest table for `page`, where in it, and what is there.
    fn walk(&self, page: u64) -> Option<(u64, usize, Entry)> {
        let mut frame = self.root;
        for level in (1..=ROOT_LEVEL).rev() {
            let entry = self.get(frame, (page >> (12 + 9 * level)) as usize % ENTRIES);
            frame = entry.next(level)? / PAGE_SIZE;
        }
        let index = (page / PAGE_SIZE) as usize % ENTRIES;
        Some((frame, index, self.get(frame, index)))
    }

    fn get(&self, frame: u64, index: usize) -> Entry {
        self.machine.borrow()[frame as usize].words.as_ref().map_or(ANYTHING, |words| words[index])
    }

    fn put(&self, frame: u64, index: usize, entry: Entry) {
        let mut machine = self.machine.borrow_mut();
        machine[frame as usize].words.get_or_insert_with(|| Box::new([ANYTHING; ENTRIES]))[index] = entry;
    }

    fn kind(&self, frame: u64) -> Result<Kind, Errno> {
        let machine = self.machine.borrow();
        machine.get(frame as usize).filter(|frame| frame.owned).map(|frame| frame.kind).ok_or(EINVAL)
    }

    /// Uses a frame as `kind` once more, if it is used as nothing else.
    fn begin_use(&self, frame: u64, kind: Kind) -> Result<(), Errno> {
        let before = self.kind(frame)?;
        let after = match (before, kind) {
            (Kind::Plain, kind) => kind,
            (Kind::Writable(uses), Kind::Writable(_)) => Kind::Writable(uses + 1),
            (Kind::Table(level, uses), Kind::Table(wanted, _)) if level == wanted => {
                Kind::Table(level, uses + 1)
            }
            _ => return Err(EINVAL),
        };
        // Before its entries are looked at: one may map the table itself.
        self.machine.borrow_mut()[frame as usize].kind = after;
        if let (Kind::Plain, Kind::Table(level, _)) = (before, after) {
            own(level).try_for_each(|index| self.begin_entry(level, self.get(frame, index)))?;
        }
        Ok(())
    }

    fn end_use(&self, frame: u64) {
        let before = self.kind(frame).expect("a frame in use");
        let after = match before {
            Kind::Plain | Kind::Writable(1) | Kind::Table(_, 1) => Kind::Plain,
            Kind::Writable(uses) => Kind::Writable(uses - 1),
            Kind::Table(level, uses) => Kind::Table(level, uses - 1),
        };
        self.machine.borrow_mut()[frame as usize].kind = after;
        if let (Kind::Table(level, _), Kind::Plain) = (before, after) {
            own(level).for_each(|index| self.end_entry(level, self.get(frame, index)));
        }
    }

    /// Uses what an entry of a table of `level` names.
    fn begin_entry(&self, level: u32, entry: Entry) -> Result<(), Errno> {
        match entry.next(level) {
            Some(next) => self.begin_use(next / PAGE_SIZE, Kind::Table(level - 1, 1)),
            None if entry.is_memory() => self.begin_use(frame(entry), Kind::Writable(1)),
            None if entry.is_present() => self.kind(frame(entry)).map(drop),
            None => Ok(()),
        }
    }

    fn end_entry(&self, level: u32, entry: Entry) {
        match entry.next(level) {
            Some(next) => self.end_use(next / PAGE_SIZE),
            None if entry.is_memory() => self.end_use(frame(entry)),
            None => (),
        }
    }

    fn change(&self, table: u64, index: usize, entry: Entry) -> Result<(), Errno> {
        let Kind::Table(level, _) = self.kind(table)? else { return Err(EINVAL) };
        self.begin_entry(level, entry)?;
        self.end_entry(level, self.get(table, index));
        self.put(table, index, entry);
        Ok(())
    }
}

/// The entries of a table of `level` that are the domain's own.
fn own(level: u32) -> Range<usize> {
    0..if level == ROOT_LEVEL { ENTRIES / 2 } else { ENTRIES }
}

/// The frame that an entry names.
const fn frame(entry: Entry) -> u64 {
    (entry.bits() & 0x000f_ffff_ffff_f000) / PAGE_SIZE
}

impl Mmu for &FakeXen {
    fn machine_address(&self, page: u64) -> u64 {
        self.frames[(page / PAGE_SIZE) as usize] * PAGE_SIZE
    }

    fn page(&self, machine_address: u64) -> u64 {
        self.pages[&(machine_address / PAGE_SIZE)]
    }

    fn allocate(&self) -> Option<u64> {
        let page = self.free.borrow_mut().pop()?;
        self.clear(page);
        Some(page)
    }

    fn free(&self, page: u64) {
        // As an allocator does, which keeps its list there.
        self.write(page, 0, ANYTHING);
        self.free.borrow_mut().push(page);
    }

    fn clear(&self, page: u64) {
        (0..ENTRIES).for_each(|index| self.write(page, index, Entry::EMPTY));
    }

    fn entry(&self, table: u64, index: usize) -> Entry {
        let kind = self.kind(table / PAGE_SIZE);
        assert!(matches!(kind, Ok(Kind::Table(..))), "read an entry of {kind:?}");
        self.get(table / PAGE_SIZE, index)
    }

    fn write(&self, page: u64, index: usize, entry: Entry) {
        let mapping = self.walk(page).map(|(_, _, entry)| entry).filter(|entry| entry.is_memory());
        let mapping = mapping.unwrap_or_else(|| panic!("wrote to {page:#x}, which is not mapped for it"));
        self.put(frame(mapping), index, entry);
    }

    fn update(&self, updates: &[Update]) -> Result<(), Errno> {
        self.calls.update(|calls| calls + 1);
        updates.iter().try_for_each(|update| {
            let index = (update.place % PAGE_SIZE) as usize / size_of::<Entry>();
            self.change(update.place / PAGE_SIZE, index, update.entry)
        })
    }

    fn set(&self, page: u64, entry: Entry) -> Result<(), Errno> {
        self.calls.update(|calls| calls + 1);
        let (table, index, _) = self.walk(page).ok_or(EINVAL)?;
        self.change(table, index, entry)
    }

    fn flush(&self) -> Result<(), Errno> {
        self.flushes.update(|flushes| flushes + 1);
        self.calls.update(|calls| calls + 1);
        Ok(())
    }
}
