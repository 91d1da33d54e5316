//! A ring against devices: an honest one in any order, and ones that write what they like.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use proptest::prelude::*;
use virtio_drivers::transport::DeviceType;
use virtio_fake::{DeviceQueue, FakeHal, FakeTransport, Memory, Registers};
use virtio_ring::{Access, Buffer, EVENT_IDX, NegotiateError, Ring, RingError, Used, VERSION_1, negotiate};

const SIZE: usize = 8;
const LENGTH: u32 = 100;

/// A driver's ring and the device behind it.
struct Pair {
    ring: Ring<FakeHal, SIZE>,
    transport: FakeTransport,
    device: DeviceQueue,
    _memory: Memory,
}

fn registers() -> Rc<RefCell<Registers>> {
    Registers::new(DeviceType::Console, VERSION_1 | EVENT_IDX, &[], 1).shared()
}

fn pair(access: Access, event_index: bool, legacy: bool) -> Pair {
    let memory = Memory::default();
    let registers = registers();
    registers.borrow_mut().legacy = legacy;
    let mut transport = FakeTransport(registers.clone());
    let ring = Ring::new(&mut transport, 0, access, LENGTH, event_index).unwrap();
    Pair { ring, transport, device: DeviceQueue::new(&registers, 0), _memory: memory }
}

impl Pair {
    /// Offers a free buffer that begins with `mark`.
    fn send(&mut self, mark: u32) -> bool {
        let Some(mut buffer) = self.ring.take_free() else { return false };
        buffer.as_mut()[..4].copy_from_slice(&mark.to_le_bytes());
        self.ring.offer(buffer, 4);
        true
    }

    /// Takes every buffer back, and says what they begin with and how long the device says they are.
    fn reap(&mut self) -> Vec<(u32, u32)> {
        let used = std::iter::from_fn(|| {
            let Used { buffer, length } = self.ring.take_used()?;
            let mark = mark_of(&buffer);
            self.ring.give_back(buffer);
            Some((mark, length))
        });
        used.collect()
    }

    /// How many buffers are free.
    fn free(&mut self) -> usize {
        let buffers: Vec<_> = std::iter::from_fn(|| self.ring.take_free()).collect();
        let count = buffers.len();
        buffers.into_iter().for_each(|buffer| self.ring.give_back(buffer));
        count
    }
}

fn mark_of(buffer: &Buffer) -> u32 {
    u32::from_le_bytes(buffer.as_ref()[..4].try_into().unwrap())
}

#[test]
fn buffers_are_as_long_as_asked_and_do_not_overlap() {
    let mut pair = pair(Access::Writes, false, false);
    let mut buffers: Vec<_> = std::iter::from_fn(|| pair.ring.take_free()).collect();
    assert_eq!(buffers.len(), SIZE);
    for (mark, buffer) in buffers.iter_mut().enumerate() {
        assert_eq!((buffer.as_ref().len(), buffer.as_ref().as_ptr().addr() % 64), (LENGTH as usize, 0));
        buffer.as_mut().fill(mark as u8);
    }
    for (mark, buffer) in buffers.iter().enumerate() {
        assert!(buffer.as_ref().iter().all(|byte| *byte == mark as u8));
    }
}

#[test]
fn the_device_sees_what_the_driver_wrote_and_the_driver_what_the_device_wrote() {
    for legacy in [false, true] {
        let mut pair = pair(Access::Writes, false, legacy);
        assert!(pair.send(0x0102_0304));
        let given = pair.device.take_available().unwrap();
        assert_eq!((given.length, given.writable), (4, true));
        assert_eq!(pair.device.read(&given), 0x0102_0304_u32.to_le_bytes());
        pair.device.write(&given, b"abcd");
        assert!(pair.reap().is_empty());
        pair.device.put_used(given.id.into(), 4);
        assert_eq!(pair.reap(), [(u32::from_le_bytes(*b"abcd"), 4)]);
        assert_eq!(pair.device.take_available(), None);
    }
}

#[test]
fn the_legacy_layout_has_the_used_ring_on_its_own_page() {
    let addresses = |pair: &Pair| pair.transport.0.borrow().queues[0].addresses;
    let [descriptors, available, used] = addresses(&pair(Access::Reads, false, true));
    assert_eq!((available - descriptors, used - descriptors), (16 * SIZE as u64, 4096));
    let [descriptors, available, used] = addresses(&pair(Access::Reads, false, false));
    assert_eq!((available - descriptors, used % 4), (16 * SIZE as u64, 0));
    assert!(used >= available + 6 + 2 * SIZE as u64);
}

#[test]
fn one_kick_tells_of_many_buffers() {
    let mut pair = pair(Access::Reads, false, false);
    pair.ring.kick(&mut pair.transport);
    assert_eq!(pair.device.notifications(), 0);
    (0..5).for_each(|mark| assert!(pair.send(mark)));
    pair.ring.kick(&mut pair.transport);
    pair.ring.kick(&mut pair.transport);
    assert_eq!(pair.device.notifications(), 1);
    pair.device.set_used_flags(1);
    assert!(pair.send(5));
    pair.ring.kick(&mut pair.transport);
    assert_eq!(pair.device.notifications(), 1);
}

#[test]
fn a_batch_that_passes_the_wanted_index_is_told_at_any_point_of_the_wrap() {
    let mut pair = pair(Access::Reads, true, false);
    for round in 0..u16::MAX / 2 {
        let before = pair.device.notifications();
        let batch = 1 + round % 5;
        // The device wants to be told of the last of the batch, and not of the next.
        pair.device.set_available_event(pair.device.available_index().wrapping_add(batch - 1));
        (0..batch).for_each(|_| assert!(pair.send(0)));
        pair.ring.kick(&mut pair.transport);
        assert_eq!(pair.device.notifications(), before + 1, "round {round}");
        pair.device.set_available_event(pair.device.available_index());
        while let Some(given) = pair.device.take_available() {
            pair.device.put_used(given.id.into(), 0);
        }
        pair.reap();
        assert!(pair.send(0));
        pair.ring.kick(&mut pair.transport);
        let given = pair.device.take_available().unwrap();
        assert_eq!(pair.device.notifications(), before + 2, "round {round}");
        pair.device.put_used(given.id.into(), 0);
        pair.reap();
    }
}

#[test]
fn interrupts_are_off_until_armed() {
    for event_index in [false, true] {
        let mut pair = pair(Access::Reads, event_index, false);
        // The device returns a buffer: is an interrupt due?
        let interrupts = |pair: &mut Pair| {
            assert!(pair.send(1));
            let given = pair.device.take_available().unwrap();
            let old = pair.device.used_index();
            pair.device.put_used(given.id.into(), 0);
            if event_index { pair.device.interrupt_is_due(old) } else { pair.device.available_flags() == 0 }
        };
        assert!(!interrupts(&mut pair));
        assert!(!pair.ring.arm(0), "a buffer is waiting");
        pair.reap();
        assert!(pair.ring.arm(0));
        assert!(interrupts(&mut pair));
        pair.reap();
        pair.ring.disarm();
        assert!(!interrupts(&mut pair));
    }
}

#[test]
fn an_interrupt_can_wait_for_several_buffers() {
    let mut pair = pair(Access::Reads, true, false);
    (0..4).for_each(|mark| assert!(pair.send(mark)));
    assert!(pair.ring.arm(2));
    for due in [false, false, true, false] {
        let given = pair.device.take_available().unwrap();
        let old = pair.device.used_index();
        pair.device.put_used(given.id.into(), 0);
        assert_eq!(pair.device.interrupt_is_due(old), due);
    }
    assert!(!pair.ring.arm(2));
}

#[test]
fn a_buffer_of_another_ring_is_refused() {
    let (mut one, mut two) = (pair(Access::Reads, false, false), pair(Access::Reads, false, false));
    one.ring.give_back(two.ring.take_free().unwrap());
    one.ring.offer(two.ring.take_free().unwrap(), 4);
    assert_eq!((one.free(), one.device.take_available()), (SIZE, None));
}

#[test]
fn queues_that_do_not_fit_are_refused() {
    let registers = registers();
    let new = |queue| {
        Ring::<FakeHal, SIZE>::new(&mut FakeTransport(registers.clone()), queue, Access::Reads, LENGTH, false)
            .map(drop)
    };
    let _memory = Memory::default();
    assert_eq!(new(1), Err(RingError::Unavailable));
    registers.borrow_mut().queues[0].max_size = 4;
    assert_eq!(new(0), Err(RingError::TooShort { offered: 4, wanted: SIZE }));
    registers.borrow_mut().queues[0].max_size = 0;
    assert_eq!(new(0), Err(RingError::Unavailable));
    registers.borrow_mut().queues[0].max_size = 8;
    assert_eq!(new(0), Ok(()));
    assert_eq!(new(0), Err(RingError::Unavailable), "in use");
}

#[test]
fn features_are_agreed_or_refused() {
    let registers = registers();
    let mut transport = FakeTransport(registers.clone());
    assert_eq!(negotiate(&mut transport, 1), Ok(VERSION_1));
    assert_eq!(negotiate(&mut transport, EVENT_IDX | 1), Ok(EVENT_IDX | VERSION_1));
    assert_eq!(registers.borrow().driver_features, EVENT_IDX | VERSION_1);
    registers.borrow_mut().agrees = false;
    assert_eq!(negotiate(&mut transport, 0), Err(NegotiateError::Refused));
    registers.borrow_mut().device_features = EVENT_IDX;
    assert_eq!(negotiate(&mut transport, EVENT_IDX), Err(NegotiateError::NotVersion1));
    registers.borrow_mut().legacy = true;
    assert_eq!(negotiate(&mut transport, EVENT_IDX), Ok(EVENT_IDX));
}

/// What an honest driver and an honest device do.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send,
    /// The device takes all that is available.
    Fetch,
    /// The device returns one of what it has.
    Return(prop::sample::Index),
    Reap,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Send),
        1 => Just(Step::Fetch),
        4 => any::<prop::sample::Index>().prop_map(Step::Return),
        1 => Just(Step::Reap),
    ]
}

/// What a hostile device writes into the used ring.
#[derive(Clone, Copy, Debug)]
enum Lie {
    Element(u16, u32, u32),
    Index(u16),
    Send,
    Reap,
}

fn lie() -> impl Strategy<Value = Lie> {
    let id = prop_oneof![4 => 0..2 * SIZE as u32, 1 => any::<u32>()];
    let step = prop_oneof![4 => 0..3_u16, 1 => any::<u16>()];
    prop_oneof![
        (any::<u16>(), id, any::<u32>()).prop_map(|(slot, id, length)| Lie::Element(slot, id, length)),
        step.prop_map(Lie::Index),
        Just(Lie::Send),
        Just(Lie::Reap),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn buffers_come_back_intact_in_the_order_of_the_device(
        steps in prop::collection::vec(step(), 1..64),
        event_index: bool,
        legacy: bool,
    ) {
        let mut pair = pair(Access::Reads, event_index, legacy);
        let (mut sent, mut fetched, mut returned) = (VecDeque::new(), Vec::new(), VecDeque::new());
        for (mark, step) in (1..).zip(steps) {
            match step {
                Step::Send => {
                    let is_room = sent.len() + fetched.len() + returned.len() < SIZE;
                    prop_assert_eq!(pair.send(mark), is_room);
                    sent.extend(is_room.then_some(mark));
                }
                Step::Fetch => {
                    while let Some(given) = pair.device.take_available() {
                        let mark = sent.pop_front().unwrap();
                        prop_assert_eq!(pair.device.read(&given), mark.to_le_bytes());
                        fetched.push((mark, given.id));
                    }
                    prop_assert!(sent.is_empty());
                }
                Step::Return(index) if !fetched.is_empty() => {
                    let (mark, id) = fetched.remove(index.index(fetched.len()));
                    pair.device.put_used(id.into(), mark);
                    returned.push_back((mark, mark));
                }
                Step::Return(_) => {}
                Step::Reap => prop_assert_eq!(pair.reap(), Vec::from(std::mem::take(&mut returned))),
            }
        }
        pair.reap();
        prop_assert_eq!(pair.free(), SIZE - sent.len() - fetched.len());
        prop_assert_eq!(pair.ring.faults(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    #[test]
    fn no_device_makes_or_doubles_a_buffer(lies in prop::collection::vec(lie(), 1..48)) {
        let mut pair = pair(Access::Writes, false, false);
        let mut with_device = 0;
        for lie in lies {
            match lie {
                Lie::Element(slot, id, length) => pair.device.set_used_element(slot, id, length),
                Lie::Index(step) => pair.device.set_used_index(pair.device.used_index().wrapping_add(step)),
                Lie::Send => with_device += usize::from(pair.send(7)),
                Lie::Reap => {
                    // Held all at once: were one there twice, or one that is free too, there would be too many.
                    let free: Vec<_> = std::iter::from_fn(|| pair.ring.take_free()).collect();
                    let used: Vec<_> = std::iter::from_fn(|| pair.ring.take_used()).map(|used| used.buffer).collect();
                    prop_assert!(used.len() <= with_device);
                    with_device -= used.len();
                    let mut places: Vec<_> = free.iter().chain(&used).map(|b| b.as_ref().as_ptr().addr()).collect();
                    places.sort_unstable();
                    places.dedup();
                    prop_assert_eq!(places.len(), SIZE - with_device);
                    free.into_iter().chain(used).for_each(|buffer| pair.ring.give_back(buffer));
                }
            }
        }
        with_device -= pair.reap().len();
        prop_assert_eq!(pair.free(), SIZE - with_device);
    }
}
