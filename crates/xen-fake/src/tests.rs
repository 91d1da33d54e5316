use std::{cell::Cell, ptr::NonNull, rc::Rc};

use iface_event_channels::{ChannelError, EventChannels, Port};
use iface_events::{Events, fake::FakeEvents};
use iface_grant_table::{Access, DomainId, GrantError, GrantTable, PAGE_SIZE, Reference};

use crate::{BackRing, FakeChannels, FakeGrantTable};

const DOM0: DomainId = DomainId(0);

#[repr(align(4096))]
struct Page([u8; PAGE_SIZE]);

fn page() -> NonNull<u8> {
    NonNull::from(&mut Box::leak(Box::new(Page([7; PAGE_SIZE]))).0).cast()
}

/// A page granted to [`DOM0`].
fn granted(access: Access) -> (&'static FakeGrantTable, Reference) {
    let table = FakeGrantTable::new();
    // SAFETY: the page is leaked, and accessed by the table alone.
    let reference = unsafe { table.grant(DOM0, page(), access) }.unwrap();
    (table, reference)
}

#[test]
fn a_granted_page_is_read_and_written() {
    let (table, reference) = granted(Access::ReadWrite);
    table.write(DOM0, reference, PAGE_SIZE - 2, &[1, 2]);
    let mut bytes = [0; 3];
    table.read(DOM0, reference, PAGE_SIZE - 3, &mut bytes);
    assert_eq!(bytes, [7, 1, 2]);
}

#[test]
fn a_mapping_holds_the_grant() {
    let (table, reference) = granted(Access::Read);
    let (one, other) = (table.map(DOM0, reference), table.map(DOM0, reference));
    drop(one);
    assert_eq!(table.revoke(reference), Err(GrantError::InUse));
    drop(other);
    assert_eq!((table.revoke(reference), table.count(), table.get(reference)), (Ok(()), 0, None));
}

#[test]
fn a_reference_is_never_given_again_and_a_full_table_gives_none() {
    let (table, reference) = granted(Access::Read);
    table.revoke(reference).unwrap();
    table.set_limit(1);
    // SAFETY: as in `granted`.
    let grant = || unsafe { table.grant(DOM0, page(), Access::Read) };
    assert_eq!((grant(), grant()), (Ok(Reference(reference.0 + 1)), Err(GrantError::Full)));
}

#[test]
#[should_panic(expected = "Reference(8) is used, and not granted")]
fn a_revoked_page_is_not_used() {
    let (table, reference) = granted(Access::Read);
    table.revoke(reference).unwrap();
    table.read(DOM0, reference, 0, &mut [0]);
}

#[test]
#[should_panic(expected = "by another domain")]
fn a_page_is_not_used_by_another_domain() {
    let (table, reference) = granted(Access::Read);
    table.map(DomainId(1), reference);
}

#[test]
#[should_panic(expected = "granted to be read")]
fn a_page_to_read_is_not_written() {
    let (table, reference) = granted(Access::Read);
    table.map(DOM0, reference).write(0, &[1]);
}

#[test]
#[should_panic(expected = "2 bytes at 4095 are not in the page")]
fn nothing_is_read_behind_the_page() {
    let (table, reference) = granted(Access::Read);
    table.read(DOM0, reference, 4095, &mut [0; 2]);
}

#[test]
#[should_panic(expected = "is revoked, and not granted")]
fn a_grant_is_revoked_once() {
    let (table, reference) = granted(Access::Read);
    table.revoke(reference).unwrap();
    let _ = table.revoke(reference);
}

#[test]
fn signals_are_counted_and_answered_on_the_channels_source() {
    let events = FakeEvents::new(Box::leak(Box::default()));
    let channels = FakeChannels::new(events);
    let (source, other) = (channels.source().unwrap(), channels.source().unwrap());
    let port = channels.open(source, DOM0).unwrap();
    channels.adopt(other, Port(77)).unwrap();
    let fired = Rc::new(Cell::new(0));
    let counter = Rc::clone(&fired);
    events.subscribe(source, Box::new(move || counter.set(counter.get() + 1))).unwrap();
    channels.signal(port);
    channels.on_signal(port, move || channels.notify(port));
    assert!(!events.poll());
    channels.signal(port);
    assert!(events.poll());
    assert_eq!((channels.take_signals(port), channels.take_signals(port), fired.get()), (2, 0, 1));
    assert_eq!((channels.remote(port), channels.remote(Port(77))), (Some(DOM0), None));
    channels.close(port);
    channels.notify(port);
    assert!(!events.poll(), "a closed channel fires");
    assert_eq!((channels.ports(), channels.open(source, DOM0)), (vec![Port(77)], Ok(Port(port.0 + 1))));
}

#[test]
fn a_full_table_of_channels_opens_none() {
    let channels = FakeChannels::new(FakeEvents::new(Box::leak(Box::default())));
    channels.set_limit(1);
    let source = channels.source().unwrap();
    assert_eq!(channels.adopt(source, Port(3)), Ok(()));
    assert_eq!(channels.open(source, DOM0), Err(ChannelError::Full));
    assert_eq!(channels.adopt(source, Port(4)), Err(ChannelError::Full));
}

#[test]
#[should_panic(expected = "Port(1) is not open")]
fn a_closed_channel_is_not_signalled() {
    let channels = FakeChannels::new(FakeEvents::new(Box::leak(Box::default())));
    let port = channels.open(channels.source().unwrap(), DOM0).unwrap();
    channels.close(port);
    channels.signal(port);
}

/// The frontend's half, by hand.
fn set(table: &'static FakeGrantTable, page: Reference, word: usize, value: u32) {
    table.write(DOM0, page, word * 4, &value.to_ne_bytes());
}

fn get(table: &'static FakeGrantTable, page: Reference, word: usize) -> u32 {
    let mut bytes = [0; 4];
    table.read(DOM0, page, word * 4, &mut bytes);
    u32::from_ne_bytes(bytes)
}

#[test]
fn the_backends_half_is_as_the_header_says() {
    let (table, page) = granted(Access::ReadWrite);
    [0, 1, 0, 1].into_iter().enumerate().for_each(|(word, value)| set(table, page, word, value));
    let mut ring = BackRing::<[u32; 2], u32>::map(table, DOM0, page);
    assert_eq!((ring.take(), ring.arm(), get(table, page, 1)), (None, true, 1));
    (0..4).for_each(|word| set(table, page, 16 + word, 10 + word as u32));
    set(table, page, 0, 2);
    assert_eq!((ring.waiting(), ring.arm()), (2, false));
    assert_eq!((ring.take(), ring.take(), ring.take()), (Some([10, 11]), Some([12, 13]), None));
    ring.put(20);
    assert_eq!(get(table, page, 2), 0, "a response that was not published is seen");
    assert!(ring.publish(), "the first response wakes");
    ring.put(21);
    assert!(!ring.publish(), "the event is behind");
    assert_eq!([2, 16, 18].map(|word| get(table, page, word)), [2, 20, 21]);
    assert_eq!((ring.arm(), get(table, page, 1)), (true, 3));
}

#[test]
#[should_panic(expected = "pushed 1009 requests without an answer")]
fn a_frontend_that_overruns_the_ring_is_told() {
    let (table, page) = granted(Access::ReadWrite);
    set(table, page, 0, 1009);
    let _ = BackRing::<u32, u32>::map(table, DOM0, page).waiting();
}
