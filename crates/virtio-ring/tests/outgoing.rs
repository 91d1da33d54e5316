//! Messages of any length to devices: an honest one in any order, and ones that write what they like.

use std::{cell::RefCell, rc::Rc};

use proptest::prelude::*;
use virtio_drivers::transport::DeviceType;
use virtio_fake::{Available, DeviceQueue, FakeHal, FakeTransport, Memory, Registers};
use virtio_ring::{EVENT_IDX, Outgoing, RingError, VERSION_1};

const SIZE: usize = 8;
const SLOT: usize = 128;

struct Pair {
    ring: Outgoing<FakeHal, SIZE>,
    transport: FakeTransport,
    device: DeviceQueue,
    _memory: Memory,
}

fn registers() -> Rc<RefCell<Registers>> {
    Registers::new(DeviceType::Console, VERSION_1 | EVENT_IDX, &[], 1).shared()
}

fn pair(event_index: bool) -> Pair {
    let memory = Memory::default();
    let registers = registers();
    let mut transport = FakeTransport(registers.clone());
    let ring = Outgoing::new(&mut transport, 0, SLOT - 1, event_index).unwrap();
    Pair { ring, transport, device: DeviceQueue::new(&registers, 0), _memory: memory }
}

fn message(mark: u8, length: usize) -> Vec<u8> {
    (0..length).map(|at| mark.wrapping_mul(31).wrapping_add(at as u8)).collect()
}

impl Pair {
    fn send(&mut self, bytes: &[u8]) -> bool {
        self.ring.send(bytes.len(), |place| place.copy_from_slice(bytes)).is_some()
    }

    fn done(&mut self, given: &Available) {
        self.device.put_used(given.id.into(), 0);
        self.ring.collect();
    }
}

#[test]
fn the_device_reads_what_was_written_in_one_piece() {
    let mut pair = pair(false);
    assert_eq!(pair.ring.capacity(), SIZE * SLOT);
    for (mark, length) in (1..).zip([1, SLOT, SLOT + 1, 3 * SLOT]) {
        assert!(pair.send(&message(mark, length)));
    }
    assert!(!pair.ring.has_room(SLOT + 1), "seven slots of eight are in use");
    for (mark, length) in (1..).zip([1, SLOT, SLOT + 1, 3 * SLOT]) {
        let given = pair.device.take_available().unwrap();
        assert!(!given.writable);
        assert_eq!(pair.device.read(&given), message(mark, length));
        pair.done(&given);
    }
    assert!(pair.send(&message(9, SIZE * SLOT)), "all of it in one message");
    assert!(!pair.send(&[]));
    let whole = pair.device.take_available().unwrap();
    assert_eq!(pair.device.read(&whole), message(9, SIZE * SLOT));
    pair.done(&whole);
    assert!(!pair.ring.has_room(SIZE * SLOT + 1));
    assert_eq!(pair.ring.send(SIZE * SLOT + 1, |_| ()), None);
}

#[test]
fn an_interrupt_comes_when_half_is_done() {
    for (event_index, due) in [(true, [false, false, true, false]), (false, [true; 4])] {
        let mut pair = pair(event_index);
        (0..4).for_each(|mark| assert!(pair.send(&message(mark, 100))));
        assert!(pair.ring.arm());
        for due in due {
            let given = pair.device.take_available().unwrap();
            let old = pair.device.used_index();
            pair.device.put_used(given.id.into(), 0);
            let interrupts = match event_index {
                true => pair.device.interrupt_is_due(old),
                false => pair.device.available_flags() == 0,
            };
            assert_eq!(interrupts, due);
        }
        assert!(!pair.ring.arm(), "they are done already");
        pair.ring.disarm();
        pair.ring.collect();
        assert!(pair.ring.has_room(SIZE * SLOT));
    }
}

#[test]
fn one_kick_tells_of_many_messages() {
    let mut pair = pair(false);
    pair.ring.kick(&mut pair.transport);
    (0..5).for_each(|mark| assert!(pair.send(&message(mark, 100))));
    pair.ring.kick(&mut pair.transport);
    pair.ring.kick(&mut pair.transport);
    assert_eq!(pair.device.notifications(), 1);
}

#[test]
fn queues_that_do_not_fit_are_refused() {
    let registers = registers();
    let new = |queue| {
        Outgoing::<FakeHal, SIZE>::new(&mut FakeTransport(registers.clone()), queue, SLOT, false).map(drop)
    };
    let _memory = Memory::default();
    assert_eq!(new(1), Err(RingError::Unavailable));
    assert_eq!(new(0), Ok(()));
    assert_eq!(new(0), Err(RingError::Unavailable));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5_000) })]

    #[test]
    fn messages_stay_as_they_are_until_the_device_is_done(
        steps in prop::collection::vec((any::<bool>(), 0..SIZE * SLOT, any::<prop::sample::Index>()), 1..80),
    ) {
        let mut pair = pair(true);
        let mut with_device: Vec<(Available, Vec<u8>)> = Vec::new();
        for (mark, (sends, length, which)) in (0..).zip(steps) {
            if sends {
                let (bytes, room) = (message(mark, length), pair.ring.has_room(length));
                prop_assert_eq!(pair.send(&bytes), room);
                let given = pair.device.take_available();
                prop_assert_eq!(given.is_some(), room);
                with_device.extend(given.map(|given| (given, bytes)));
            } else if !with_device.is_empty() {
                let (given, bytes) = with_device.swap_remove(which.index(with_device.len()));
                prop_assert_eq!(pair.device.read(&given), bytes);
                pair.done(&given);
            }
        }
        with_device.iter().for_each(|(given, bytes)| assert_eq!(&pair.device.read(given), bytes));
        prop_assert_eq!(pair.ring.faults(), 0);
    }

    #[test]
    fn a_device_that_lies_is_counted_and_frees_nothing_that_it_does_not_have(
        lies in prop::collection::vec((any::<bool>(), 0..2 * SIZE as u32, 0..3_u16), 1..80),
    ) {
        let mut pair = pair(false);
        for (mark, (sends, id, step)) in (0..).zip(lies) {
            if sends {
                let _ = pair.send(&message(mark, 2 * SLOT));
            }
            pair.device.set_used_element(pair.device.used_index(), id, u32::MAX);
            pair.device.set_used_index(pair.device.used_index().wrapping_add(step));
            pair.ring.collect();
        }
        pair.device.set_used_element(pair.device.used_index(), u32::MAX, 0);
        let faults = pair.ring.faults();
        pair.device.set_used_index(pair.device.used_index().wrapping_add(1));
        pair.ring.collect();
        prop_assert_eq!(pair.ring.faults(), faults + 1);
    }
}
