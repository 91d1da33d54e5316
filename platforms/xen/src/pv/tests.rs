//! Page tables of domains of many shapes.

use std::ops::Range;
use std::vec::Vec;

use proptest::prelude::*;
use x86_64::paging::{Access, Content, Entry, PAGE_SIZE};
use xen_abi::Errno;

use super::fake::FakeXen;
use super::tables::{BuildError, Mmu, Plan, Space};

const EINVAL: Errno = Errno(22);
const GIB: u64 = 1 << 30;
const WRITABLE: Content = Content::Mapped(Access::ReadWrite);
const READABLE: Content = Content::Mapped(Access::Read);

/// Where the builder's tables lie: behind an image at 1 MiB.
pub(super) const TABLES: u64 = 0x120;
pub(super) const FREE: u64 = (TABLES + FakeXen::BUILT) * PAGE_SIZE;

/// The builder's own, which stay page tables.
pub(super) fn built() -> (Range<u64>, Content) {
    (TABLES * PAGE_SIZE..FREE, READABLE)
}

/// A domain of `pages` pages, whose frames are in no order, and not all there are.
pub(super) fn domain(pages: u64) -> FakeXen {
    const PRIME: u64 = 1_000_003;
    assert!(pages < PRIME, "multiples of another number are all different modulo a prime");
    FakeXen::new((1..=pages).map(|number| number * 7919 % PRIME).collect(), TABLES)
}

pub(super) fn plan<'a>(pages: u64, parts: &'a [(Range<u64>, Content)]) -> Plan<'a> {
    Plan { memory_end: pages * PAGE_SIZE, parts, free: FREE }
}

/// Checks every page of memory against the plan.
fn check(fake: &FakeXen, space: &Space<&FakeXen>, plan: &Plan<'_>, end: u64) {
    for page in (0..plan.memory_end).step_by(PAGE_SIZE as usize) {
        let part = plan.parts.iter().rfind(|(range, _)| range.contains(&page));
        let is_table = (plan.free..end).contains(&page);
        let content = if is_table { READABLE } else { part.map_or(WRITABLE, |(_, content)| *content) };
        let expected = Entry::new(content, fake.machine_address(page), 0);
        assert_eq!(space.entry(page), expected, "page {page:#x}, {content:?}");
        assert!(!is_table || fake.is_table(page), "page {page:#x}");
    }
    assert_eq!(space.entry(plan.memory_end), Entry::EMPTY);
}

#[test]
fn the_least_memory_is_mapped() {
    let fake = &domain(1024);
    let space = Space::new(TABLES * PAGE_SIZE, fake);
    let parts = [built(), (0..PAGE_SIZE, Content::Guard(0))];
    let plan = plan(1024, &parts);
    let end = space.build(&plan).unwrap();
    assert_eq!(end, FREE + 2 * PAGE_SIZE, "two tables");
    check(fake, &space, &plan, end);
    assert_eq!(space.entry(5).guard(), Some(0));
}

#[test]
fn a_second_gibibyte_takes_a_table_of_level_1() {
    let pages = GIB / PAGE_SIZE + 700;
    let fake = &domain(pages);
    let space = Space::new(TABLES * PAGE_SIZE, fake);
    let parts = [built()];
    let plan = plan(pages, &parts);
    let end = space.build(&plan).unwrap();
    assert_eq!(end, FREE + (512 + 1 + 2) * PAGE_SIZE);
    check(fake, &space, &plan, end);
    let tables = u32::try_from((end - FREE) / PAGE_SIZE).unwrap();
    assert!(fake.calls.get() < tables + 20, "{} hypercalls for {tables} tables", fake.calls.get());
}

#[test]
fn a_page_is_guarded_and_memory_again() {
    let fake = &domain(2000);
    let space = Space::new(TABLES * PAGE_SIZE, fake);
    space.build(&plan(2000, &[built()])).unwrap();
    let page = 1900 * PAGE_SIZE;
    space.set(page, Content::Guard(77)).unwrap();
    assert_eq!(space.entry(page + 123).guard(), Some(77));
    assert!(space.entry(page - 1).is_memory() && space.entry(page + PAGE_SIZE).is_memory());
    space.set(page, WRITABLE).unwrap();
    assert_eq!(space.entry(page), Entry::new(WRITABLE, fake.machine_address(page), 0));
}

#[test]
fn no_page_table_becomes_writable() {
    let fake = &domain(2000);
    let space = Space::new(TABLES * PAGE_SIZE, fake);
    space.build(&plan(2000, &[built()])).unwrap();
    assert_eq!(space.set(FREE, WRITABLE), Err(EINVAL));
    assert_eq!(space.set(TABLES * PAGE_SIZE, WRITABLE), Err(EINVAL));
}

#[test]
fn what_xen_refuses_is_told() {
    let fake = &domain(2000);
    let space = Space::new(TABLES * PAGE_SIZE, fake);
    // The builder's root, mapped for writing.
    assert_eq!(space.build(&plan(2000, &[])), Err(BuildError::Refused(EINVAL)));
}

#[test]
fn tables_need_memory_that_is_mapped() {
    let build = |pages: u64, free: u64| {
        let fake = &domain(pages);
        let space = Space::new(TABLES * PAGE_SIZE, fake);
        space.build(&Plan { free: free * PAGE_SIZE, ..plan(pages, &[built()]) })
    };
    let (tables, end) = (3, FakeXen::MAPPED);
    assert_eq!(build(1200, end - tables), Ok(end * PAGE_SIZE));
    assert_eq!(build(1200, end - tables + 1), Err(BuildError::OutOfMemory));
    assert_eq!(build(1024, 1023), Err(BuildError::OutOfMemory));
}

#[test]
fn what_is_above_the_domains_own_addresses_is_nothing() {
    let fake = &domain(1024);
    let space = Space::new(TABLES * PAGE_SIZE, fake);
    for address in [1 << 47, 0xffff_8000_0000_0000, u64::MAX] {
        assert_eq!(space.entry(address), Entry::EMPTY);
    }
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        prop::sample::select(&[Access::Read, Access::ReadWrite, Access::ReadExecute][..])
            .prop_map(Content::Mapped),
        any::<u32>().prop_map(Content::Guard),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_page_is_as_planned(
        pages in 1024u64..5000,
        parts in prop::collection::vec((0u64..5000, 0u64..600, content()), 0..8),
    ) {
        let fake = &domain(pages);
        let space = Space::new(TABLES * PAGE_SIZE, fake);
        let range = |first: u64, count: u64| first * PAGE_SIZE..(first + count).min(pages) * PAGE_SIZE;
        let mut parts: Vec<_> =
            parts.into_iter().map(|(first, count, content)| (range(first, count), content)).collect();
        parts.push(built());
        let plan = plan(pages, &parts);
        let end = space.build(&plan).unwrap();
        check(fake, &space, &plan, end);
    }
}
