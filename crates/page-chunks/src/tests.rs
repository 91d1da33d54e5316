extern crate std;

use core::alloc::Layout;
use core::cell::Cell;
use core::mem::MaybeUninit;
use std::alloc::System;
use std::collections::BTreeMap;
use std::vec::Vec;

use iface_allocator::Allocator;
use proptest::prelude::*;

use super::*;
use crate::chunk::PAGES;

/// The system's allocator, of which `left` chunks can still be had.
#[derive(Debug)]
struct Limited<'a> {
    left: &'a Cell<usize>,
}

// SAFETY: as the system's, which may have no memory at any time.
unsafe impl GlobalAlloc for Limited<'_> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        assert_eq!(layout, Chunk::LAYOUT);
        let Some(left) = self.left.get().checked_sub(1) else { return core::ptr::null_mut() };
        self.left.set(left);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        assert_eq!(layout, Chunk::LAYOUT);
        self.left.set(self.left.get() + 1);
        // SAFETY: the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Writes a number into every word of a page.
fn fill(page: NonNull<u8>, number: u64) {
    // SAFETY: the page is the test's.
    unsafe { core::slice::from_raw_parts_mut(page.cast::<u64>().as_ptr(), PAGE_SIZE / 8) }.fill(number);
}

/// Whether every word is that number.
fn holds(page: NonNull<u8>, number: u64) -> bool {
    // SAFETY: the page is the test's, which filled it.
    let words = unsafe { core::slice::from_raw_parts(page.cast::<u64>().as_ptr(), PAGE_SIZE / 8) };
    words.iter().all(|word| *word == number)
}

proptest! {
    /// Pages keep what was written, are nobody else's, and no chunk is held that no page is used of.
    #[test]
    fn pages_are_their_owners(steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..400), chunks in 0usize..12) {
        let left = Cell::new(chunks);
        let mut pages = Pages::new(Limited { left: &left }, Spare::NONE);
        let mut owned: Vec<(NonNull<u8>, u64)> = Vec::new();
        let mut number = 0;
        for (takes, which) in steps {
            // In bursts, so that chunks fill and empty.
            for _ in 0..which.index(20) {
                if takes {
                    let before = left.get();
                    match pages.allocate() {
                        Some(page) => {
                            prop_assert!(page.addr().get().is_multiple_of(PAGE_SIZE));
                            number += 1;
                            fill(page, number);
                            owned.push((page, number));
                        }
                        None => {
                            prop_assert_eq!(before, 0);
                            prop_assert_eq!(owned.len(), chunks * PAGES, "free pages of chunks come first");
                        }
                    }
                } else if !owned.is_empty() {
                    let (page, number) = owned.swap_remove(which.index(owned.len()));
                    prop_assert!(holds(page, number));
                    // SAFETY: it was allocated, and is used no more.
                    unsafe { pages.free(page) };
                }
            }
            let mut used = BTreeMap::new();
            for (page, _) in &owned {
                *used.entry(page.addr().get() / Chunk::LAYOUT.align()).or_insert(0) += 1;
            }
            prop_assert_eq!(used.len(), chunks - left.get());
        }
        for (page, number) in owned {
            prop_assert!(holds(page, number));
            // SAFETY: as above.
            unsafe { pages.free(page) };
        }
        prop_assert_eq!(left.get(), chunks, "all is given back");
    }
}

/// An allocator with 4 MiB.
fn with_memory<A: Allocator>(allocator: A) -> A {
    const MEMORY: Layout = Layout::new::<Memory>();
    #[repr(align(0x10_0000))]
    struct Memory(#[expect(dead_code, reason = "it is there for its size")] [u8; 4 << 20]);
    // SAFETY: the layout has a size. The memory is never freed, and anything is a value of it.
    allocator.add(unsafe {
        core::slice::from_raw_parts_mut(System.alloc(MEMORY).cast::<MaybeUninit<u8>>(), MEMORY.size())
    });
    allocator
}

/// How many single pages are had of 4 MiB, one by one and by chunks.
fn pages_of_memory<A: Allocator>(new: impl Fn() -> A) -> (usize, usize) {
    let filled = || with_memory(new());
    let (single, mut pages) = (filled(), Pages::new(filled(), Spare::NONE));
    let page = Layout::from_size_align(PAGE_SIZE, PAGE_SIZE).unwrap();
    // SAFETY: the layout has a size.
    let singly = core::iter::from_fn(|| NonNull::new(unsafe { single.alloc(page) })).count();
    (singly, core::iter::from_fn(|| pages.allocate()).count())
}

#[test]
fn allocators_with_tags_lose_little() {
    let (singly, chunked) = pages_of_memory(|| alloc_talc::Provider::new(&alloc_talc::Config {}));
    assert!(singly <= 512 && chunked >= 961, "{singly} pages one by one, {chunked} by chunks");
}

#[test]
fn allocators_of_powers_of_two_lose_one_page_in_32() {
    let (singly, chunked) = pages_of_memory(|| alloc_buddy::Provider::new(&alloc_buddy::Config {}));
    assert_eq!((singly, chunked), (1024, 992));
}

#[test]
fn others_have_a_piece_when_no_page_is_left() {
    let allocator = with_memory(alloc_talc::Provider::new(&alloc_talc::Config {}));
    let mut pages = Pages::new(allocator, Spare { part: 2, least: 100_000, most: 200_000 });
    let owned: Vec<_> = core::iter::from_fn(|| pages.allocate()).collect();
    assert!(owned.len() >= 890, "{} pages", owned.len());
    let piece = Layout::array::<u8>(200_000).unwrap();
    // SAFETY: the layout has a size.
    let others = unsafe { pages.allocator.alloc(piece) };
    assert!(!others.is_null());
    // What was had once can be had again, as far as others have not taken it.
    for page in owned.iter().rev().take(PAGES) {
        // SAFETY: it was allocated, and is used no more.
        unsafe { pages.free(*page) };
    }
    assert!(pages.allocate().is_none(), "a chunk of what is left to others");
    // SAFETY: it was just allocated so.
    unsafe { pages.allocator.dealloc(others, piece) };
    assert!(pages.allocate().is_some());
}
