//! The table against a Xen in the test's memory, which maps and unmaps grants for another domain at any moment.

mod model;
mod race;
mod xen;

use std::{
    format,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::NonNull,
    string::{String, ToString},
    vec::Vec,
};

use iface_grant_table::{Access, DomainId, GrantError, GrantTable, PAGE_SIZE, Reference};
use iface_hypervisor::Errno;

use crate::{Config, Needs, Provides, Table, init, table::RESERVED};
use xen::Xen;

const BACKEND: DomainId = DomainId(3);

fn table(xen: Xen, frames: usize) -> &'static Table<Xen> {
    Table::map(xen, frames).unwrap()
}

/// Grants the page of frame `number`.
fn grant(table: &'static Table<Xen>, number: u64, access: Access) -> Result<Reference, GrantError> {
    let page = NonNull::without_provenance((number as usize * PAGE_SIZE).try_into().unwrap());
    // SAFETY: the fake Xen's domains access no page.
    unsafe { table.grant(BACKEND, page, access) }
}

#[test]
fn an_entry_is_as_the_header_says() {
    let xen = Xen::new(1);
    let table = table(xen, 1);
    let one = grant(table, 0x12_3456, Access::ReadWrite).unwrap();
    let other = grant(table, 7, Access::Read).unwrap();
    assert_eq!((one, other), (Reference(8), Reference(9)));
    assert_eq!(xen.entry(one), [1, 3, 0x3456, 0x12]);
    assert_eq!(xen.entry(other), [1 | 4, 3, 7, 0]);
    assert_eq!(table.revoke(one), Ok(()));
    assert_eq!(xen.entry(one)[0], 0);
    assert!((0..RESERVED).all(|reserved| xen.entry(Reference(reserved)) == [0; 4]));
}

#[test]
fn every_entry_but_the_reserved_is_given_once() {
    for frames in [1, 3] {
        let table = table(Xen::new(frames), frames);
        let given: Vec<u32> =
            core::iter::from_fn(|| grant(table, 1, Access::Read).ok()).map(|given| given.0).collect();
        assert!(given.iter().copied().eq(RESERVED..512 * frames as u32));
        assert_eq!(grant(table, 1, Access::Read), Err(GrantError::Full));
    }
}

#[test]
fn a_page_in_use_stays_granted_until_it_is_not() {
    let xen = Xen::new(1);
    let table = table(xen, 1);
    for writing in [false, true] {
        let reference = grant(table, 1, Access::ReadWrite).unwrap();
        assert!(xen.map(BACKEND, reference, writing));
        assert_eq!(table.revoke(reference), Err(GrantError::InUse));
        assert_ne!(grant(table, 2, Access::Read), Ok(reference));
        xen.unmap(reference, writing);
        assert_eq!(table.revoke(reference), Ok(()));
        assert!(!xen.map(BACKEND, reference, writing));
    }
}

#[test]
fn a_page_out_of_reach_is_refused_and_takes_no_entry() {
    let table = table(Xen::new(1), 1);
    assert_eq!(grant(table, 1 << 32, Access::Read), Err(GrantError::OutOfReach));
    assert_eq!(grant(table, (1 << 32) - 1, Access::Read), Ok(Reference(8)));
}

#[test]
fn what_was_not_given_is_not_revoked() {
    let xen = Xen::new(1);
    // The tools grant the console's page so.
    xen.permit(Reference(0));
    let table = table(xen, 1);
    let given = grant(table, 1, Access::Read).unwrap();
    table.revoke(given).unwrap();
    for reference in [Reference(0), Reference(1), given, Reference(9), Reference(512), Reference(u32::MAX)] {
        let revoked = catch_unwind(AssertUnwindSafe(|| table.revoke(reference)));
        let message = *revoked.unwrap_err().downcast::<String>().unwrap();
        assert_eq!(message, format!("grant reference {} was not given", reference.0));
    }
    assert_eq!(grant(table, 1, Access::Read), Ok(given));
}

#[test]
fn a_refusal_says_the_mend() {
    static CONFIG: Config = Config { frames: 9 };
    let error = init(&CONFIG, Needs { hypervisor: Xen::new(8) }).err().unwrap();
    assert_eq!((error.frames, error.error), (9, Errno(22)));
    let text = error.to_string();
    assert!(text.contains("9 frames") && text.contains("EINVAL"), "{text}");
    assert!(text.contains("libs.grant-table.frames") && text.contains("max_grant_frames"), "{text}");
    let Provides { grant_table } = init(&CONFIG, Needs { hypervisor: Xen::new(9) }).ok().unwrap();
    assert_eq!(grant(grant_table, 1, Access::Read), Ok(Reference(RESERVED)));
}
