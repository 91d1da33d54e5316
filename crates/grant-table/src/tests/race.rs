//! Another processor, on which Xen maps and unmaps grants while the domain grants and revokes them.

use std::{
    array,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
};

use iface_grant_table::{Access, GrantError, GrantTable, Reference};

use super::{BACKEND, grant, table, xen::Xen};
use crate::table::RESERVED;

/// Pages by the numbers of their frames; frame 0 is not used.
const PAGES: usize = 8;
const REVOKED: u32 = 200_000;

/// What a page holds while the domain has it for itself, and while it is shared.
const PRIVATE: u32 = 0;
const SHARED: u32 = 1;

#[test]
fn no_page_is_mapped_after_its_grant_was_revoked() {
    let xen = Xen::new(1);
    let pages: [AtomicU32; PAGES + 1] = array::from_fn(|_| AtomicU32::new(PRIVATE));
    let done = AtomicBool::new(false);
    let (in_use, mapped) = thread::scope(|scope| {
        let done = Done(&done);
        let other = scope.spawn(|| other_domain(xen, &pages, done.0));
        let in_use = domain(xen, &pages, || other.is_finished());
        drop(done);
        (in_use, other.join().expect("the other domain used a page that was not its own"))
    });
    assert!(mapped > 0 && in_use > 0, "they never met: {mapped} times mapped, {in_use} times in use");
}

/// Ends the other domain, also where the domain's own thread panics.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Shares pages and takes them back, and returns how often one was in use.
fn domain(xen: Xen, pages: &[AtomicU32], failed: impl Fn() -> bool) -> u32 {
    let table = table(xen, 1);
    let share = |page: usize| {
        pages[page].store(SHARED, Ordering::Relaxed);
        grant(table, page as u64, Access::ReadWrite).unwrap()
    };
    let mut given: [Reference; PAGES] = array::from_fn(|index| share(index + 1));
    let (mut revoked, mut in_use) = (0, 0);
    for index in (0..PAGES).cycle() {
        let page = index + 1;
        match table.revoke(given[index]) {
            Ok(()) => {
                pages[page].store(PRIVATE, Ordering::Relaxed);
                revoked += 1;
                given[index] = share(page);
            }
            Err(GrantError::InUse) => in_use += 1,
            Err(error) => panic!("{error}"),
        }
        if (revoked >= REVOKED && in_use > 0) || failed() {
            break;
        }
    }
    in_use
}

/// Maps whatever is granted, and returns how often it could.
fn other_domain(xen: Xen, pages: &[AtomicU32], done: &AtomicBool) -> u64 {
    let mut mapped = 0;
    while !done.load(Ordering::Relaxed) {
        for reference in (RESERVED..RESERVED + PAGES as u32).map(Reference) {
            let writing = mapped % 2 == 0;
            if !xen.map(BACKEND, reference, writing) {
                continue;
            }
            let [.., page, _] = xen.entry(reference);
            for _ in 0..10 {
                let state = pages[usize::from(page)].load(Ordering::Relaxed);
                assert_eq!(state, SHARED, "page {page}, after {mapped} that were mapped");
            }
            xen.unmap(reference, writing);
            mapped += 1;
        }
    }
    mapped
}
