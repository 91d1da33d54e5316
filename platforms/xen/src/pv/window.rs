//! Addresses whose pages lie anywhere in memory, in page tables that Xen changes.

use core::ops::Range;

use x86_64::paging::{Access, Backing, Content, Entry, Window};
use xen_abi::Errno;

use super::tables::{Mmu, Space, Update};

/// Changes that are made by one hypercall, at most.
const BATCH: usize = 64;

/// Memory and page tables of the window.
pub(super) struct Checked<'a, M> {
    space: &'a Space<M>,
    /// Changes that Xen was not told of yet.
    waiting: [Update; BATCH],
    count: usize,
}

/// The window of `space`.
pub(super) fn window<M: Mmu>(space: &Space<M>) -> Window<Checked<'_, M>> {
    let waiting = [Update { place: 0, entry: Entry::EMPTY }; BATCH];
    Window::new(space.root(), Checked { space, waiting, count: 0 })
}

impl<M: Mmu> Checked<'_, M> {
    fn tell(&mut self) {
        if self.count > 0 {
            done(self.space.mmu.update(&self.waiting[..self.count]));
            self.count = 0;
        }
    }

    fn tell_one(&mut self, table: u64, index: usize, entry: Entry) {
        done(self.space.mmu.update(&[update(table, index, entry)]));
    }
}

impl<M: Mmu> Backing for Checked<'_, M> {
    fn allocate(&mut self) -> Option<u64> {
        self.space.mmu.allocate()
    }

    fn free(&mut self, page: u64) {
        self.space.mmu.free(page);
    }

    fn clear(&mut self, page: u64) {
        self.space.mmu.clear(page);
    }

    fn entry(&self, table: u64, index: usize) -> Entry {
        self.space.mmu.entry(table, index)
    }

    fn set(&mut self, table: u64, index: usize, entry: Entry) {
        self.waiting[self.count] = update(table, index, entry);
        self.count += 1;
        if self.count == BATCH {
            self.tell();
        }
    }

    fn link(&mut self, table: u64, index: usize, page: u64) -> u64 {
        let address = self.address(page);
        done(self.space.set(page, Content::Mapped(Access::Read)));
        self.tell_one(table, index, Entry::table(address));
        address
    }

    fn unlink(&mut self, table: u64, index: usize) -> u64 {
        let page = self.page(self.entry(table, index).address());
        self.tell_one(table, index, Entry::EMPTY);
        done(self.space.set(page, Content::Mapped(Access::ReadWrite)));
        page
    }

    fn finish(&mut self, forget: Option<Range<u64>>) {
        self.tell();
        if forget.is_some() {
            self.space.seen.forget();
            done(self.space.mmu.flush());
        }
    }

    fn address(&self, page: u64) -> u64 {
        self.space.mmu.machine_address(page)
    }

    fn page(&self, address: u64) -> u64 {
        self.space.mmu.page(address)
    }
}

/// The change of an entry of the table at machine address `table`.
fn update(table: u64, index: usize, entry: Entry) -> Update {
    Update { place: table + (index * size_of::<Entry>()) as u64, entry }
}

/// # Panics
/// Where Xen refused, which it has no reason for: frames are the domain's own, and no table is mapped for writing.
fn done(result: Result<(), Errno>) {
    result.unwrap_or_else(|errno| panic!("Xen refused a change of page tables: {errno}"));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use x86_64::paging::{MapError, PAGE_SIZE, WINDOW};

    use super::super::fake::FakeXen;
    use super::super::tests::{FREE, built, domain, plan};
    use super::*;

    const WRITE: Option<Access> = Some(Access::ReadWrite);
    const MEMORY: u64 = 3000;

    /// A domain of which `free` pages are the allocator's.
    fn space(fake: &FakeXen, free: u64) -> Space<&FakeXen> {
        let space = Space::new(super::super::tests::TABLES * PAGE_SIZE, fake);
        let end = space.build(&plan(MEMORY, &[built()])).unwrap();
        assert!(end >= FREE && end / PAGE_SIZE + free <= MEMORY);
        fake.give(end / PAGE_SIZE..end / PAGE_SIZE + free);
        space
    }

    fn range(first: u64, count: u64) -> Range<u64> {
        let start = WINDOW.start + first * PAGE_SIZE;
        start..start + count * PAGE_SIZE
    }

    #[test]
    fn pages_are_mapped_by_batches() {
        let fake = &domain(MEMORY);
        let space = space(fake, 700);
        let before = fake.calls.get();
        window(&space).map(range(0, 512), WRITE).unwrap();
        let calls = fake.calls.get() - before;
        assert!(calls <= 3 * 2 + 512 / BATCH as u32, "{calls} hypercalls");
        assert!(space.allows(range(0, 512), true) && !space.allows(range(0, 513), false));
        assert!(space.allows(5..5, true) && !space.allows(0..u64::MAX, false));
    }

    #[test]
    fn the_processor_forgets_what_was_mapped() {
        let fake = &domain(MEMORY);
        let space = space(fake, 20);
        window(&space).map(range(3, 5), WRITE).unwrap();
        assert_eq!(fake.flushes.get(), 1, "that of the beginning");
        window(&space).protect(range(3, 1), None).unwrap();
        window(&space).map(range(3, 5), None).unwrap();
        assert_eq!(fake.flushes.get(), 3);
    }

    #[test]
    fn out_of_memory_is_told_and_nothing_lost() {
        let fake = &domain(MEMORY);
        let space = space(fake, 20);
        window(&space).map(range(3, 5), WRITE).unwrap();
        assert_eq!(window(&space).protect(range(0, 30), WRITE), Err(MapError::OutOfMemory));
        assert_eq!(fake.free_pages(), 12);
        assert!(space.allows(range(3, 5), true));
        assert_eq!(window(&space).map(range(0, 30), WRITE), Err(MapError::OutOfMemory));
        assert_eq!(fake.free_pages(), 20);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Against a plain map from page to what can be done with it, under a hypervisor that refuses a frame which is
        /// a page table and writable.
        #[test]
        fn every_page_is_as_asked(
            changes in prop::collection::vec((0u64..1200, 1u64..400, 0..4usize, any::<bool>()), 1..12),
            free in 100u64..1900,
        ) {
            let fake = &domain(MEMORY);
            let space = space(fake, free);
            let mut model = BTreeMap::new();
            for (first, count, access, anew) in changes {
                let access = [None, Some(Access::Read), WRITE, Some(Access::ReadExecute)][access];
                let (bytes, pages) = (range(first, count), first..first + count);
                let changed =
                    if anew { window(&space).map(bytes, access) } else { window(&space).protect(bytes, access) };
                match changed {
                    Ok(()) => model.extend(pages.map(|page| (page, access))),
                    Err(error) => {
                        prop_assert_eq!(error, MapError::OutOfMemory);
                        if anew {
                            model.retain(|page, _| !pages.contains(page));
                        }
                    }
                }
                // What is asked now is remembered, and may not be so after the next change.
                for page in first.saturating_sub(20)..first + 20 {
                    let access = model.get(&page).copied().flatten();
                    prop_assert_eq!(space.allows(range(page, 1), true), access == WRITE, "page {}", page);
                    prop_assert_eq!(space.allows(range(page, 1), false), access.is_some(), "page {}", page);
                }
            }
            for page in 0..1700 {
                let access = model.get(&page).copied().flatten();
                prop_assert_eq!(space.allows(range(page, 1), false), access.is_some(), "page {}", page);
                prop_assert_eq!(space.allows(range(page, 1), true), access == WRITE, "page {}", page);
            }
            window(&space).map(WINDOW, None).unwrap();
            prop_assert_eq!(fake.free_pages() as u64, free);
            prop_assert!(fake.free_pages_are_writable_once());
        }
    }
}
