//! What every address space is held to. Nothing may be in the window, and nothing is when these return.
//!
//! # Panics
//! Each where the address space breaks a rule; the message says which.

use alloc::boxed::Box;
use core::hint::black_box;
use core::ops::Range;
use core::slice;

use crate::{AddressError, AddressSpace, PAGE_SIZE, Protection};

const GIB: usize = 1 << 30;

/// All of the below but [`exhaustion`].
pub fn all<A: AddressSpace>(space: A) {
    the_window_is_whole_pages(space);
    pages_are_zero_and_keep_what_is_written(space);
    protections_are_what_was_asked(space);
    what_was_allowed_once_is_asked_again(space);
    pages_without_protection_keep_what_they_hold(space);
    pages_are_zero_when_they_return(space);
    parts_of_a_range_are_pages_of_their_own(space);
    addresses_cost_nothing(space);
    other_ranges_are_refused(space);
    the_images_own_memory_is_allowed(space);
    the_page_below_the_stack_is_not(space);
}

/// Pages that a test uses: `count` of them from number `first` of the window on.
fn pages<A: AddressSpace>(space: A, first: usize, count: usize) -> Range<usize> {
    let start = space.window().start + first * PAGE_SIZE;
    start..start + count * PAGE_SIZE
}

fn map<A: AddressSpace>(space: A, range: &Range<usize>, protection: Protection) {
    // SAFETY: the window is the test's, and it holds no reference into it meanwhile.
    let mapped = unsafe { space.map(range.clone(), protection) };
    assert_eq!(mapped, Ok(()), "map {range:#x?}, {protection:?}");
}

fn protect<A: AddressSpace>(space: A, range: &Range<usize>, protection: Protection) {
    // SAFETY: as for `map`.
    let protected = unsafe { space.protect(range.clone(), protection) };
    assert_eq!(protected, Ok(()), "protect {range:#x?}, {protection:?}");
}

fn unmap<A: AddressSpace>(space: A, range: &Range<usize>) {
    // SAFETY: as for `map`.
    let unmapped = unsafe { space.unmap(range.clone()) };
    assert_eq!(unmapped, Ok(()), "unmap {range:#x?}");
    assert!(!space.allows(range.clone(), false), "{range:#x?} is allowed where nothing is");
}

/// Writes a byte to each page, which says the page's number.
fn write<A: AddressSpace>(space: A, range: &Range<usize>) {
    assert!(space.allows(range.clone(), true), "{range:#x?} is not allowed to be written");
    for page in range.clone().step_by(PAGE_SIZE) {
        // SAFETY: the page may be written, and is the test's.
        unsafe { (page as *mut u8).add(7).write_volatile(number(page)) };
    }
}

/// Never 0.
fn number(page: usize) -> u8 {
    (page / PAGE_SIZE % 251 + 1) as u8
}

/// Asserts that each page is as [`write`] left it.
fn is_written<A: AddressSpace>(space: A, range: &Range<usize>) {
    for page in range.clone().step_by(PAGE_SIZE) {
        let mut expected = [0; 8];
        expected[7] = number(page);
        assert_eq!(bytes(space, page..page + 8), expected, "page {page:#x} lost what was written");
    }
}

/// Asserts that all is zero.
fn is_zero<A: AddressSpace>(space: A, range: &Range<usize>) {
    for page in range.clone().step_by(PAGE_SIZE) {
        assert_eq!(bytes(space, page..page + PAGE_SIZE), [0; PAGE_SIZE], "page {page:#x} is not zero");
    }
}

fn bytes<'a, A: AddressSpace>(space: A, range: Range<usize>) -> &'a [u8] {
    assert!(space.allows(range.clone(), false), "{range:#x?} is not allowed to be read");
    // SAFETY: the range may be read, and nobody writes to it while a check looks at it.
    unsafe { slice::from_raw_parts(range.start as *const u8, range.len()) }
}

fn the_window_is_whole_pages<A: AddressSpace>(space: A) {
    let window = space.window();
    assert!(window.start.is_multiple_of(PAGE_SIZE) && window.end.is_multiple_of(PAGE_SIZE), "{window:#x?}");
    assert!(window.start > 0 && window.len() >= GIB, "{window:#x?} is less than a GiB");
    assert!(!space.allows(window.start..window.start + 1, false), "something is in the window");
    assert!(!space.allows(window.end - 1..window.end, false), "something is in the window");
}

fn pages_are_zero_and_keep_what_is_written<A: AddressSpace>(space: A) {
    let all = pages(space, 0, 1300);
    map(space, &all, Protection::ReadWrite);
    is_zero(space, &all);
    write(space, &all);
    is_written(space, &all);
    unmap(space, &all);
    let last = space.window().end - PAGE_SIZE..space.window().end;
    map(space, &last, Protection::ReadWrite);
    is_zero(space, &last);
    unmap(space, &last);
}

fn protections_are_what_was_asked<A: AddressSpace>(space: A) {
    let all = pages(space, 100, 4);
    map(space, &all, Protection::ReadWrite);
    write(space, &all);
    for (protection, read, written) in [
        (Protection::Read, true, false),
        (Protection::ReadExecute, true, false),
        (Protection::None, false, false),
        (Protection::ReadWrite, true, true),
    ] {
        protect(space, &all, protection);
        for allowed in [all.clone(), all.start..all.start + 1, all.end - 1..all.end] {
            assert_eq!(space.allows(allowed.clone(), false), read, "{protection:?}, {allowed:#x?}");
            assert_eq!(space.allows(allowed.clone(), true), written, "{protection:?}, {allowed:#x?}");
        }
        for across in [all.start - 1..all.start + 1, all.end - 1..all.end + 1, all.start..usize::MAX] {
            assert!(!space.allows(across.clone(), false), "{protection:?}, {across:#x?}");
        }
        if read {
            is_written(space, &all);
        }
    }
    unmap(space, &all);
    for protection in [Protection::Read, Protection::ReadExecute] {
        map(space, &all, protection);
        is_zero(space, &all);
        assert!(!space.allows(all.start..all.start + 1, true), "{protection:?}");
    }
    unmap(space, &all);
}

/// A provider may remember what it found of a page, but not beyond the page's next change.
fn what_was_allowed_once_is_asked_again<A: AddressSpace>(space: A) {
    const ORDERS: [[Protection; 3]; 3] = [
        [Protection::ReadWrite, Protection::Read, Protection::None],
        [Protection::ReadWrite, Protection::None, Protection::Read],
        [Protection::Read, Protection::ReadWrite, Protection::ReadExecute],
    ];
    let page = pages(space, 0, 1);
    for order in ORDERS {
        map(space, &page, Protection::ReadWrite);
        for protection in order {
            protect(space, &page, protection);
            for _ in 0..2 {
                let (reads, writes) = (space.allows(page.clone(), false), space.allows(page.clone(), true));
                assert_eq!(reads, protection != Protection::None, "reading with {protection:?} after others");
                assert_eq!(
                    writes,
                    protection == Protection::ReadWrite,
                    "writing with {protection:?} after others"
                );
            }
        }
        unmap(space, &page);
    }
}

fn pages_without_protection_keep_what_they_hold<A: AddressSpace>(space: A) {
    let all = pages(space, 510, 5);
    map(space, &all, Protection::ReadWrite);
    write(space, &all);
    protect(space, &all, Protection::None);
    protect(space, &all, Protection::None);
    assert!(!space.allows(all.clone(), false));
    protect(space, &all, Protection::Read);
    is_written(space, &all);
    unmap(space, &all);
}

fn pages_are_zero_when_they_return<A: AddressSpace>(space: A) {
    let all = pages(space, 3, 40);
    map(space, &all, Protection::ReadWrite);
    write(space, &all);
    map(space, &all, Protection::ReadWrite);
    is_zero(space, &all);
    write(space, &all);
    map(space, &all, Protection::None);
    assert!(!space.allows(all.clone(), false));
    protect(space, &all, Protection::Read);
    is_zero(space, &all);
    unmap(space, &all);
    protect(space, &all, Protection::ReadWrite);
    is_zero(space, &all);
    unmap(space, &all);
    unmap(space, &all);
}

fn parts_of_a_range_are_pages_of_their_own<A: AddressSpace>(space: A) {
    let all = pages(space, 1000, 90);
    let (before, middle, after) = (pages(space, 1000, 30), pages(space, 1030, 30), pages(space, 1060, 30));
    map(space, &all, Protection::ReadWrite);
    write(space, &all);
    unmap(space, &middle);
    assert!(!space.allows(all.clone(), false));
    protect(space, &before, Protection::Read);
    is_written(space, &before);
    is_written(space, &after);
    assert!(space.allows(after.clone(), true) && !space.allows(before.start..before.start + 1, true));
    protect(space, &all, Protection::ReadWrite);
    is_zero(space, &middle);
    is_written(space, &before);
    is_written(space, &after);
    unmap(space, &all);
}

fn addresses_cost_nothing<A: AddressSpace>(space: A) {
    let all = space.window();
    map(space, &all, Protection::None);
    protect(space, &all, Protection::None);
    let one = pages(space, GIB / 2 / PAGE_SIZE, 1);
    protect(space, &one, Protection::ReadWrite);
    is_zero(space, &one);
    write(space, &one);
    protect(space, &all, Protection::None);
    protect(space, &one, Protection::Read);
    is_written(space, &one);
    unmap(space, &all);
}

fn other_ranges_are_refused<A: AddressSpace>(space: A) {
    let window = space.window();
    let good = pages(space, 0, 4);
    map(space, &good, Protection::ReadWrite);
    write(space, &good);
    let others = [
        good.start + 1..good.end,
        good.start..good.end - 1,
        window.start - PAGE_SIZE..window.start + PAGE_SIZE,
        window.end - PAGE_SIZE..window.end + PAGE_SIZE,
        window.end + PAGE_SIZE..window.end + 2 * PAGE_SIZE,
        good.end..good.start,
        0..PAGE_SIZE,
        0..usize::MAX,
        good.start..usize::MAX & !(PAGE_SIZE - 1),
    ];
    for range in others {
        // SAFETY: all of them are refused, so that nothing becomes of what is there.
        let refused = unsafe {
            [
                space.map(range.clone(), Protection::Read),
                space.protect(range.clone(), Protection::Read),
                space.unmap(range.clone()),
            ]
        };
        assert_eq!(refused, [Err(AddressError::BadRange); 3], "{range:#x?}");
    }
    is_written(space, &good);
    let nothing = good.start..good.start;
    map(space, &nothing, Protection::Read);
    protect(space, &nothing, Protection::None);
    write(space, &good);
    unmap(space, &good);
}

fn the_images_own_memory_is_allowed<A: AddressSpace>(space: A) {
    static CONSTANT: [u8; 64] = [7; 64];
    static mut WRITABLE: [u8; 9000] = [0; 9000];
    let stack = black_box([1_u8; 64]);
    let heap = black_box(Box::new([1_u8; 9000]));
    let range = |start: *const u8, length: usize| start as usize..start as usize + length;
    let writable = (&raw const WRITABLE).cast();
    for (what, own) in [
        ("stack", range(stack.as_ptr(), 64)),
        ("heap", range(heap.as_ptr(), 9000)),
        ("data", range(writable, 9000)),
    ] {
        assert!(space.allows(own.clone(), false) && space.allows(own, true), "{what}");
    }
    let code = range(number as *const u8, 4);
    for (what, own) in [("constant", range(CONSTANT.as_ptr(), 64)), ("code", code)] {
        assert!(space.allows(own.clone(), false) && !space.allows(own, true), "{what}");
    }
    for nowhere in [0..1, 8..16, usize::MAX - 1..usize::MAX, 1 << 47..(1 << 47) + 1, 0..usize::MAX] {
        assert!(!space.allows(nowhere.clone(), false), "{nowhere:#x?}");
    }
    assert!(space.allows(5..5, true), "no bytes");
}

/// A stack ends with a page of which nothing is allowed, and not with the first one of all memory.
fn the_page_below_the_stack_is_not<A: AddressSpace>(space: A) {
    const LARGEST_STACK: usize = 64 << 20;
    let own = black_box([0_u8; 1]);
    let running = own.as_ptr() as usize;
    let mut below = (running.saturating_sub(LARGEST_STACK)..running).rev().step_by(PAGE_SIZE);
    let guard = below.find(|address| !space.allows(*address..*address + 1, false));
    assert!(guard.is_some_and(|guard| guard >= PAGE_SIZE), "the stack of {running:#x} has no guard page");
}

/// Asks for more memory than there is. Who runs it looks whether all of it came back. Returns whether there was less
/// than the window has addresses.
///
/// # Panics
/// As the others.
pub fn exhaustion<A: AddressSpace>(space: A) -> bool {
    let (kept, window) = (pages(space, 700, 3), space.window());
    map(space, &kept, Protection::ReadWrite);
    write(space, &kept);
    protect(space, &pages(space, 701, 1), Protection::None);
    // SAFETY: as for `map`.
    let scarce = match unsafe { space.protect(window.clone(), Protection::Read) } {
        Ok(()) => false,
        Err(error) => {
            assert_eq!(error, AddressError::Exhausted);
            for (page, written) in [(699, false), (700, true), (701, false), (702, true), (703, false)] {
                assert_eq!(space.allows(pages(space, page, 1), true), written, "page {page} after a failure");
            }
            protect(space, &kept, Protection::Read);
            true
        }
    };
    is_written(space, &kept);
    // SAFETY: as for `map`.
    let mapped = unsafe { space.map(window.clone(), Protection::ReadWrite) };
    assert_eq!(mapped, if scarce { Err(AddressError::Exhausted) } else { Ok(()) });
    if scarce {
        assert!(!space.allows(pages(space, 700, 1), false), "something is there after a failure");
    }
    map(space, &kept, Protection::ReadWrite);
    is_zero(space, &kept);
    unmap(space, &window);
    scarce
}
