//! Page tables that Xen checks: every page of memory mapped at its own pseudo-physical address, in pages of 4 KiB.
//!
//! A domain reads its page tables and has Xen change them (`public/xen.h`, `HYPERVISOR_mmu_update`). No frame is a page
//! table and mapped for writing at one time. So a new table is filled while it is ordinary memory, made read-only, and
//! linked; then Xen checks each of its entries.

use core::ops::Range;

use x86_64::paging::{Access, Content, Entry, LOWER_HALF_END, PAGE_SIZE, Seen};
use xen_abi::Errno;

/// The level of the root table; tables of level 0 map pages.
const ROOT_LEVEL: u32 = 3;
/// Entries of a table.
const ENTRIES: usize = 512;
/// What a table of level 0 maps, in bytes.
const TABLE_SPAN: u64 = ENTRIES as u64 * PAGE_SIZE;
/// Tables of level 0 that are linked by one hypercall, as Xen flushes the TLB at each. Behind the tables that it made, Xen's
/// domain builder maps room for twice as many; a table of level 1 is filled by whole batches.
const BATCH: usize = 64;

const READABLE: Content = Content::Mapped(Access::Read);
const WRITABLE: Content = Content::Mapped(Access::ReadWrite);

/// A change of one entry of a page table (`struct mmu_update`).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Update {
    /// The machine address of the entry.
    pub place: u64,
    /// What it is to be.
    pub entry: Entry,
}

/// Memory of the domain and Xen's check on its page tables.
pub(super) trait Mmu {
    /// The machine address of the page at `page`.
    fn machine_address(&self, page: u64) -> u64;

    /// The page that lies at a machine address of the domain's own.
    fn page(&self, machine_address: u64) -> u64;

    /// A page of zeros from the domain's allocator.
    fn allocate(&self) -> Option<u64>;

    /// Gives such a page back.
    fn free(&self, page: u64);

    /// Fills such a page with zeros again.
    fn clear(&self, page: u64);

    /// Entry `index` of the page table at machine address `table`.
    fn entry(&self, table: u64, index: usize) -> Entry;

    /// Writes word `index` of the page at `page`, which is mapped for writing and nobody's.
    fn write(&self, page: u64, index: usize, entry: Entry);

    /// Changes entries of page tables of any level.
    fn update(&self, updates: &[Update]) -> Result<(), Errno>;

    /// Changes the entry that maps `page`, and has the processor forget the one before.
    fn set(&self, page: u64, entry: Entry) -> Result<(), Errno>;

    /// Has the processor forget every entry.
    fn flush(&self) -> Result<(), Errno>;
}

/// Why page tables could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BuildError {
    /// No memory for them.
    OutOfMemory,
    /// What Xen said.
    Refused(Errno),
}

impl From<Errno> for BuildError {
    fn from(errno: Errno) -> Self {
        Self::Refused(errno)
    }
}

/// What memory is to be.
pub(super) struct Plan<'a> {
    /// Where memory ends; it begins at 0.
    pub memory_end: u64,
    /// Whole pages that are something else than for reading and writing; the last part that has a page counts.
    pub parts: &'a [(Range<u64>, Content)],
    /// Where the free memory begins that new tables are taken of. Xen's builder has mapped the first of it for writing.
    pub free: u64,
}

/// The address space of the domain.
#[derive(Debug)]
pub(super) struct Space<M> {
    /// The machine address of the root table.
    root: u64,
    /// Forgotten wherever the processor is to forget something.
    pub seen: Seen,
    pub mmu: M,
}

impl<M: Mmu> Space<M> {
    /// The space of the root table at `root`, as Xen's domain builder left it.
    pub fn new(root: u64, mmu: M) -> Self {
        Self { root: mmu.machine_address(root), seen: Seen::new(), mmu }
    }

    /// The machine address of the root table.
    pub const fn root(&self) -> u64 {
        self.root
    }

    /// Whether every byte of `range` is memory that can be read, and written where `write` says so.
    pub fn allows(&self, range: Range<u64>, write: bool) -> bool {
        self.seen.knows(&range, write) || self.look_up(range, write)
    }

    /// As [`allows`](Space::allows), by the tables themselves.
    #[inline(never)]
    fn look_up(&self, range: Range<u64>, write: bool) -> bool {
        let mut address = range.start;
        while address < range.end {
            let entry = self.entry(address);
            let allowed = if write { entry.is_memory() } else { entry.is_readable() };
            if !allowed {
                return false;
            }
            address = (address | (PAGE_SIZE - 1)) + 1;
        }
        self.seen.note(&range, write);
        true
    }

    /// The entry that decides about `address`.
    pub fn entry(&self, address: u64) -> Entry {
        // Above are Xen's own tables, which it shows but which are not made of the domain's memory.
        if address >= LOWER_HALF_END {
            return Entry::EMPTY;
        }
        let (mut table, mut level) = (self.root, ROOT_LEVEL);
        loop {
            let entry = self.mmu.entry(table, index(address, level));
            match entry.next(level) {
                Some(next) => (table, level) = (next, level - 1),
                None => return entry,
            }
        }
    }

    /// Makes `content` of the page at `page`, which is memory.
    ///
    /// # Errors
    /// What Xen returned; then the page is as before.
    pub fn set(&self, page: u64, content: Content) -> Result<(), Errno> {
        self.seen.forget();
        self.mmu.set(page, Entry::new(content, self.mmu.machine_address(page), 0))
    }

    /// Builds tables that map memory as `plan` says, and returns where the free memory begins behind them.
    ///
    /// # Errors
    /// As [`BuildError`] says; a part of memory may be mapped.
    pub fn build(&self, plan: &Plan<'_>) -> Result<u64, BuildError> {
        let mut builder = Builder { space: self, plan, next: plan.free };
        for start in (0..plan.memory_end).step_by(BATCH * TABLE_SPAN as usize) {
            let end = plan.memory_end.min(start + BATCH as u64 * TABLE_SPAN);
            builder.map(start..end)?;
        }
        self.mmu.flush()?;
        Ok(builder.next)
    }
}

/// Page tables being built.
struct Builder<'a, M> {
    space: &'a Space<M>,
    plan: &'a Plan<'a>,
    /// The page that the next table is taken of.
    next: u64,
}

impl<M: Mmu> Builder<'_, M> {
    /// Maps a batch of memory, in the place of what the domain builder mapped there.
    fn map(&mut self, range: Range<u64>) -> Result<(), BuildError> {
        let mmu = &self.space.mmu;
        let parent = self.parent(range.start)?;
        let starts = range.clone().step_by(TABLE_SPAN as usize);
        // All of them are taken before one is filled, as each must map all of them read-only.
        let pages = self.take(starts.clone().count())?;
        let mut links = [Update { place: 0, entry: Entry::EMPTY }; BATCH];
        let mut linked = 0;
        for ((start, page), link) in starts.zip(pages.step_by(PAGE_SIZE as usize)).zip(&mut links) {
            self.fill(page, start);
            self.space.set(page, READABLE)?;
            *link = self.link(parent, index(start, 1), page);
            linked += 1;
        }
        Ok(mmu.update(&links[..linked])?)
    }

    /// The machine address of the table of level 1 for `address`. It, and what it hangs on, are made where they are not.
    fn parent(&mut self, address: u64) -> Result<u64, BuildError> {
        let mmu = &self.space.mmu;
        let mut table = self.space.root;
        for level in (2..=ROOT_LEVEL).rev() {
            let index = index(address, level);
            table = match mmu.entry(table, index).next(level) {
                Some(next) => next,
                None => {
                    let page = self.take(1)?.start;
                    (0..ENTRIES).for_each(|index| mmu.write(page, index, Entry::EMPTY));
                    self.space.set(page, READABLE)?;
                    mmu.update(&[self.link(table, index, page)])?;
                    mmu.machine_address(page)
                }
            };
        }
        Ok(table)
    }

    /// Takes memory for `count` tables. That of the domain builder's mapping comes first, and one table maps 512 more.
    fn take(&mut self, count: usize) -> Result<Range<u64>, BuildError> {
        let taken = self.next..self.next + count as u64 * PAGE_SIZE;
        let mut pages = taken.clone().step_by(PAGE_SIZE as usize);
        if taken.end > self.plan.memory_end || !pages.all(|page| self.space.entry(page).is_memory()) {
            return Err(BuildError::OutOfMemory);
        }
        self.next = taken.end;
        Ok(taken)
    }

    /// Fills the page at `table` to be that of level 0 for the addresses from `start` on.
    fn fill(&self, table: u64, start: u64) {
        let (mmu, plan) = (&self.space.mmu, self.plan);
        let entry = |page, content| Entry::new(content, mmu.machine_address(page), 0);
        for (index, page) in (start..).step_by(PAGE_SIZE as usize).take(ENTRIES).enumerate() {
            let is_memory = page < plan.memory_end;
            mmu.write(table, index, if is_memory { entry(page, WRITABLE) } else { Entry::EMPTY });
        }
        let tables = (plan.free..self.next, READABLE);
        for (range, content) in plan.parts.iter().chain([&tables]) {
            let both = range.start.max(start)..range.end.min(start + TABLE_SPAN);
            for page in both.step_by(PAGE_SIZE as usize) {
                mmu.write(table, index(page, 0), entry(page, *content));
            }
        }
    }

    /// The change that links the table at `page`.
    fn link(&self, parent: u64, index: usize, page: u64) -> Update {
        let place = parent + (index * size_of::<Entry>()) as u64;
        Update { place, entry: Entry::table(self.space.mmu.machine_address(page)) }
    }
}

/// The index of `address` in a table of `level`.
const fn index(address: u64, level: u32) -> usize {
    (address / (PAGE_SIZE << (9 * level))) as usize % ENTRIES
}
