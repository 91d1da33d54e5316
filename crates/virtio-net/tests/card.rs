//! A card against devices: honest ones, and ones that write what they like.

use std::{cell::RefCell, collections::VecDeque, num::NonZeroU16, rc::Rc};

use iface_allocator::Usage;
use iface_allocator::fake::FakeAllocator;
use iface_net_device::{Checksums, NetDevice, TransmitError};
use proptest::prelude::*;
use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus};
use virtio_fake::{DeviceQueue, FakeBus, FakeHal, FakeTransport, Memory, Registers};
use virtio_net::{Card, Config, InitError, Needs, init};
use virtio_ring::{EVENT_IDX, RingError, VERSION_1};

const CHECKSUM: u64 = 1 << 0;
const GUEST_CHECKSUM: u64 = 1 << 1;
const MTU: u64 = 1 << 3;
const MAC: u64 = 1 << 5;
const SEGMENTATION: u64 = 1 << 11;
const ANY_LAYOUT: u64 = 1 << 27;

const SIZE: usize = 8;
const ADDRESS: [u8; 6] = [0x52, 0x54, 0, 1, 2, 3];
static CONFIG: Config<SIZE> = Config { receive_buffer_size: 1536 };

/// An image with little memory, and one with much.
static SMALL: FakeAllocator = FakeAllocator(Usage { total: 1 << 19, used: 0 });
static LARGE: FakeAllocator = FakeAllocator(Usage { total: 1 << 30, used: 0 });

/// A card and the device behind it.
struct Pair {
    card: Card<FakeHal, FakeTransport, SIZE>,
    device: Device,
    _memory: Memory,
}

/// The device: what it has of receive buffers, and what it was sent.
struct Device {
    registers: Rc<RefCell<Registers>>,
    receive: DeviceQueue,
    transmit: DeviceQueue,
    header_length: usize,
}

impl Device {
    /// Delivers a frame; false where the driver gave no buffer.
    fn deliver(&mut self, flags: u8, frame: &[u8]) -> bool {
        let Some(buffer) = self.receive.take_available() else { return false };
        let mut bytes = vec![0; self.header_length];
        bytes[0] = flags;
        bytes.extend(frame);
        self.receive.write(&buffer, &bytes);
        self.receive.put_used(buffer.id.into(), bytes.len() as u32);
        true
    }

    /// The transmit or the receive queue.
    fn queue(&mut self, is_transmit: bool) -> &mut DeviceQueue {
        if is_transmit { &mut self.transmit } else { &mut self.receive }
    }

    /// Sends the next frame: its header and its bytes.
    fn send(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        let buffer = self.transmit.take_available()?;
        let mut header = self.transmit.read(&buffer);
        let frame = header.split_off(self.header_length);
        self.transmit.put_used(buffer.id.into(), 0);
        Some((header, frame))
    }
}

/// MAC address, status, one queue pair, and an MTU.
fn config(mtu: u16) -> Vec<u8> {
    [&ADDRESS[..], &[1, 0, 1, 0], &mtu.to_le_bytes()].concat()
}

fn registers(features: u64) -> Registers {
    Registers::new(DeviceType::Network, features | MAC | VERSION_1, &config(1400), 2)
}

fn start(registers: Registers) -> Result<Pair, InitError> {
    start_in(&SMALL, registers)
}

fn start_in(allocator: &'static FakeAllocator, registers: Registers) -> Result<Pair, InitError> {
    let memory = Memory::default();
    let registers = registers.shared();
    let needs = Needs { allocator, virtio_bus: FakeBus::with(FakeTransport(registers.clone())) };
    let card = init(&CONFIG, needs)?.net_device;
    let header_length = if registers.borrow().driver_features & VERSION_1 == 0 { 10 } else { 12 };
    let queue = |queue| DeviceQueue::new(&registers, queue);
    let device =
        Device { receive: queue(0), transmit: queue(1), header_length, registers: registers.clone() };
    Ok(Pair { card, device, _memory: memory })
}

fn pair(features: u64) -> Pair {
    start(registers(features)).unwrap()
}

/// A frame of `length` bytes that no other has.
fn frame(mark: u32, length: usize) -> Vec<u8> {
    mark.to_le_bytes().into_iter().cycle().take(length).collect()
}

fn send(card: &mut impl NetDevice, frame: &[u8]) -> Result<(), TransmitError> {
    card.transmit(frame.len(), |bytes| bytes.copy_from_slice(frame))
}

#[test]
fn the_device_is_told_when_all_is_ready() {
    let pair = pair(EVENT_IDX);
    let registers = pair.device.registers.borrow();
    assert!(registers.status.contains(DeviceStatus::DRIVER_OK | DeviceStatus::FEATURES_OK));
    assert_eq!(registers.driver_features, EVENT_IDX | MAC | VERSION_1);
    assert_eq!(pair.device.receive.available_index(), SIZE as u16);
    assert_eq!(pair.card.mac_address(), ADDRESS);
    assert_eq!(pair.card.source(), FakeBus::SOURCE);
    assert_eq!((pair.card.mtu(), pair.card.checksums()), (1500, Checksums::default()));
}

#[test]
fn an_mtu_is_taken_where_buffers_have_room_for_it() {
    let with = |mtu| {
        let pair = start(Registers { config: config(mtu), ..registers(MTU) }).unwrap();
        (pair.card.mtu(), pair.device.registers.borrow().driver_features & MTU != 0)
    };
    assert_eq!(with(1400), (1400, true));
    assert_eq!(with(1510), (1510, true));
    assert_eq!(with(1511), (1500, false));
    assert_eq!(with(0), (1500, false));
}

#[test]
fn what_does_not_fit_is_refused() {
    let refusal = |registers| start(registers).err();
    let mut without_address = registers(0);
    without_address.device_features = VERSION_1;
    assert_eq!(refusal(without_address), Some(InitError::NoAddress));
    assert_eq!(refusal(Registers { config: vec![1; 5], ..registers(0) }), Some(InitError::NoAddress));
    let mut short = registers(0);
    short.queues[1].max_size = 4;
    let error = refusal(short).unwrap();
    assert_eq!(error, InitError::Ring(RingError::TooShort { offered: 4, wanted: SIZE }));
    assert!(error.to_string().contains("libs.virtio-net.queueSize"), "{error}");
    let legacy = Registers { legacy: true, device_features: MAC, ..registers(0) };
    assert_eq!(refusal(legacy), Some(InitError::SplitHeaders));
}

#[test]
fn legacy_devices_have_a_shorter_header() {
    let legacy = Registers { legacy: true, device_features: MAC | ANY_LAYOUT, ..registers(0) };
    let mut pair = start(legacy).unwrap();
    assert!(pair.device.deliver(0, &frame(1, 60)));
    assert_eq!(pair.card.receive().unwrap().as_ref(), frame(1, 60));
    send(&mut pair.card, &frame(2, 60)).unwrap();
    assert_eq!(pair.device.send(), Some((vec![0; 10], frame(2, 60))));
}

#[test]
fn frames_are_told_of_once_for_many() {
    let mut pair = pair(0);
    (0..5).for_each(|mark| send(&mut pair.card, &frame(mark, 100)).unwrap());
    assert_eq!(pair.device.transmit.notifications(), 0);
    pair.card.flush();
    pair.card.flush();
    assert_eq!(pair.device.transmit.notifications(), 1);
    for mark in 0..5 {
        assert_eq!(pair.device.send(), Some((vec![0; 12], frame(mark, 100))));
    }
}

#[test]
fn frames_longer_than_the_mtu_are_refused() {
    let mut pair = pair(0);
    assert_eq!(send(&mut pair.card, &frame(0, 1514)), Ok(()));
    assert_eq!(send(&mut pair.card, &frame(0, 1515)), Err(TransmitError::TooLong));
}

#[test]
fn a_full_queue_asks_for_an_interrupt_and_has_room_after_it() {
    for features in [0, EVENT_IDX] {
        let mut pair = pair(features);
        let wants_interrupt = |pair: &Pair, old| match features {
            0 => pair.device.transmit.available_flags() == 0,
            _ => pair.device.transmit.interrupt_is_due(old),
        };
        (0..SIZE).for_each(|_| send(&mut pair.card, &frame(0, 60)).unwrap());
        assert!(!wants_interrupt(&pair, pair.device.transmit.used_index()));
        assert_eq!(send(&mut pair.card, &frame(0, 60)), Err(TransmitError::Full));
        assert!(!pair.card.can_transmit());
        assert_eq!(pair.device.transmit.notifications(), 1, "a full queue is told of without flush");
        (0..SIZE).for_each(|_| assert!(pair.device.send().is_some()));
        assert!(wants_interrupt(&pair, 0));
        assert!(pair.card.can_transmit());
        (0..SIZE).for_each(|_| send(&mut pair.card, &frame(0, 60)).unwrap());
        assert_eq!(send(&mut pair.card, &frame(0, 60)), Err(TransmitError::Full));
    }
}

#[test]
fn arming_tells_of_frames_that_wait_already() {
    for features in [0, EVENT_IDX] {
        let mut pair = pair(features);
        assert!(pair.card.arm());
        assert!(pair.device.deliver(0, &frame(1, 60)));
        pair.card.disarm();
        assert!(!pair.card.arm());
        let received = pair.card.receive().unwrap();
        pair.card.recycle(received);
        assert!(pair.card.arm());
    }
}

#[test]
fn an_interrupt_from_before_the_owner_subscribed_is_quieted_once() {
    let mut pair = pair(0);
    let raise = |pair: &Pair| pair.device.registers.borrow_mut().interrupt = InterruptStatus::QUEUE_INTERRUPT;
    raise(&pair);
    pair.card.arm();
    assert!(pair.device.registers.borrow().interrupt.is_empty());
    raise(&pair);
    pair.card.arm();
    assert!(!pair.device.registers.borrow().interrupt.is_empty(), "the handler quiets it from now on");
    pair.card.acknowledge();
    assert!(pair.device.registers.borrow().interrupt.is_empty());
}

#[test]
fn a_dropped_frame_loses_its_buffer_and_no_other() {
    let mut pair = pair(0);
    (0..SIZE).for_each(|_| assert!(pair.device.deliver(0, &frame(1, 60))));
    assert!(!pair.device.deliver(0, &frame(1, 60)));
    let _lost = pair.card.receive();
    while let Some(received) = pair.card.receive() {
        pair.card.recycle(received);
    }
    (1..SIZE).for_each(|_| assert!(pair.device.deliver(0, &frame(1, 60))));
    assert!(!pair.device.deliver(0, &frame(1, 60)));
}

#[test]
fn impossible_lengths_are_dropped_and_counted() {
    let mut pair = pair(0);
    for length in [0, 11, 12, 25, 1537, u32::MAX] {
        let buffer = pair.device.receive.take_available().unwrap();
        pair.device.receive.put_used(buffer.id.into(), length);
    }
    assert!(pair.card.receive().is_none());
    assert_eq!(pair.card.dropped(), 6);
    for length in [26, 1536] {
        let buffer = pair.device.receive.take_available().unwrap();
        pair.device.receive.put_used(buffer.id.into(), length);
        let received = pair.card.receive().unwrap();
        assert_eq!(received.as_ref().len(), length as usize - 12);
        pair.card.recycle(received);
    }
    assert_eq!(
        pair.device.receive.available_index(),
        SIZE as u16 + 8,
        "every buffer is with the device again"
    );
}

thread_local! {
    static WARNINGS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what a test's thread logs.
struct Journal;

impl log::Log for Journal {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        WARNINGS.with_borrow_mut(|warnings| warnings.push(record.args().to_string()));
    }

    fn flush(&self) {}
}

#[test]
fn faults_are_told_of_as_their_number_doubles() {
    static JOURNAL: Journal = Journal;
    log::set_logger(&JOURNAL).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    let mut pair = pair(0);
    for _ in 0..100 {
        assert!(pair.device.deliver(0, &[]));
        pair.device.receive.put_used(999, 60);
        assert!(pair.card.receive().is_none());
        pair.card.arm();
    }
    assert_eq!((pair.card.dropped(), pair.card.faults()), (100, 100));
    let warnings = WARNINGS.take();
    assert_eq!(warnings.len(), 7, "{warnings:?}");
    assert!(warnings[6].contains("64 received frames") && warnings[6].contains("64 answers"), "{warnings:?}");
}

/// A UDP datagram over IPv4 from 10.0.2.2 to 10.0.2.15, with this checksum.
fn datagram(checksum: [u8; 2]) -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend([8, 0, 0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 2, 2, 10, 0, 2, 15]);
    frame.extend([0, 53, 0, 99, 0, 12, checksum[0], checksum[1], 1, 2, 3, 4]);
    frame
}
/// 0a00+0202+0a00+020f+0011+000c (pseudo-header) and 0035+0063+000c+0102+0304, inverted.
const RIGHT: [u8; 2] = [0xe3, 0x27];
/// The pseudo-header's sum.
const PSEUDO: [u8; 2] = [0x18, 0x2e];

#[test]
fn checksums_are_the_cards_where_the_device_offers_it() {
    let mut pair = pair(CHECKSUM | GUEST_CHECKSUM);
    assert_eq!(pair.card.checksums(), Checksums { receive: true, transmit: true });
    send(&mut pair.card, &datagram([0, 0])).unwrap();
    let (header, sent) = pair.device.send().unwrap();
    assert_eq!(header, [1, 0, 0, 0, 0, 0, 34, 0, 6, 0, 0, 0]);
    assert_eq!(sent, datagram(PSEUDO));
    send(&mut pair.card, &frame(1, 60)).unwrap();
    assert_eq!(pair.device.send().unwrap(), (vec![0; 12], frame(1, 60)));

    for (flags, checksum, passes) in
        [(0, RIGHT, true), (0, [1, 2], false), (1, PSEUDO, true), (2, [1, 2], true), (0, [0, 0], true)]
    {
        assert!(pair.device.deliver(flags, &datagram(checksum)));
        let received = pair.card.receive();
        assert_eq!(received.is_some(), passes, "{flags} {checksum:?}");
        received.into_iter().for_each(|frame| pair.card.recycle(frame));
    }
    assert_eq!(pair.card.dropped(), 1);
}

#[test]
fn checksums_are_the_stacks_where_the_device_does_not() {
    let mut pair = pair(0);
    send(&mut pair.card, &datagram([0, 0])).unwrap();
    assert_eq!(pair.device.send(), Some((vec![0; 12], datagram([0, 0]))));
    assert!(pair.device.deliver(0, &datagram([1, 2])));
    assert_eq!(pair.card.receive().unwrap().as_ref(), datagram([1, 2]));
}

/// A TCP segment over IPv4 with so many bytes of payload, and 12 bytes of options.
fn segment(payload: usize) -> Vec<u8> {
    let mut frame = vec![0; 12];
    let [high, low] = (52 + payload as u16).to_be_bytes();
    frame.extend([8, 0, 0x45, 0, high, low, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 2, 2, 10, 0, 2, 15]);
    frame.extend([0, 80, 0, 99, 0, 0, 0, 1, 0, 0, 0, 2, 0x80, 0x18, 1, 0, 0, 0, 0, 0]);
    frame.extend([1; 12]);
    frame.resize(frame.len() + payload, 0xab);
    frame
}

#[test]
fn segments_are_cut_where_the_device_does_it() {
    let mut pair = pair(CHECKSUM | SEGMENTATION);
    // A third of eight buffers of 1536 bytes, less the header.
    assert_eq!(pair.card.longest_segments(), 4084);
    let long = segment(4084 - 66);
    let size = NonZeroU16::new(0x05a8).unwrap();
    let send_segments = |card: &mut Card<_, _, SIZE>, frame: &[u8]| {
        card.transmit_segments(frame.len(), size, |bytes| bytes.copy_from_slice(frame))
    };
    assert_eq!(send_segments(&mut pair.card, &segment(4085 - 66)), Err(TransmitError::TooLong));
    assert_eq!(send(&mut pair.card, &long), Err(TransmitError::TooLong));
    for _ in 0..3 {
        assert!(pair.card.can_transmit());
        // What is left of a long frame is not taken for a header.
        send(&mut pair.card, &segment(10)).unwrap();
        send_segments(&mut pair.card, &long).unwrap();
        let (header, sent) = pair.device.send().unwrap();
        assert_eq!((&header[..], sent.len()), (&[1, 0, 0, 0, 0, 0, 34, 0, 16, 0, 0, 0][..], 76));
        let (header, sent) = pair.device.send().unwrap();
        assert_eq!(header, [1, 1, 66, 0, 0xa8, 0x05, 34, 0, 16, 0, 0, 0]);
        // All but the checksum, where the pseudo-header's sum is: 0a00+0202+0a00+020f+0006+(20+12+4018).
        assert_eq!(sent[50..52], (0x1817_u16 + 4050).to_be_bytes());
        assert_eq!((&sent[..50], &sent[52..]), (&long[..50], &long[52..]));
    }
    (0..2).for_each(|_| send_segments(&mut pair.card, &long).unwrap());
    assert!(!pair.card.can_transmit(), "two buffers of eight are free, and one takes three");
    assert_eq!(send(&mut pair.card, &segment(10)), Ok(()));
    assert_eq!(send_segments(&mut pair.card, &long), Err(TransmitError::Full));
    (0..3).for_each(|_| assert!(pair.device.send().is_some()));
    assert!(pair.card.can_transmit());
}

#[test]
fn where_memory_is_plentiful_there_is_room_for_longer_segments() {
    let longest = |features| start_in(&LARGE, registers(features)).unwrap().card.longest_segments();
    // A third of eight buffers of 127 cache lines, less the header.
    assert_eq!(longest(CHECKSUM | SEGMENTATION), 21_662);
    assert_eq!(longest(CHECKSUM), 0);
}

#[test]
fn segments_are_not_cut_without_checksums() {
    for features in [SEGMENTATION, CHECKSUM] {
        let mut pair = pair(features);
        assert_eq!(
            (pair.card.longest_segments(), pair.device.registers.borrow().driver_features & SEGMENTATION),
            (0, 0)
        );
        let refused = pair.card.transmit_segments(60, NonZeroU16::MIN, |_| ());
        assert_eq!(refused, Err(TransmitError::TooLong));
    }
}

/// What an owner and an honest device do.
#[derive(Clone, Copy, Debug)]
enum Step {
    Transmit(usize),
    Flush,
    Send,
    Deliver(usize),
    Receive,
    Recycle(prop::sample::Index),
    Arm,
    Disarm,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (14..1514_usize).prop_map(Step::Transmit),
        1 => Just(Step::Flush),
        3 => Just(Step::Send),
        3 => (14..1514_usize).prop_map(Step::Deliver),
        3 => Just(Step::Receive),
        3 => any::<prop::sample::Index>().prop_map(Step::Recycle),
        1 => Just(Step::Arm),
        1 => Just(Step::Disarm),
    ]
}

/// What a hostile device writes.
#[derive(Clone, Copy, Debug)]
enum Lie {
    Element(bool, u16, u32, u32),
    Index(bool, u16),
    Events(bool, u16),
    Owner,
}

fn lie() -> impl Strategy<Value = Lie> {
    let id = prop_oneof![6 => 0..2 * SIZE as u32, 1 => any::<u32>()];
    let length = prop_oneof![3 => 0..1600_u32, 1 => any::<u32>()];
    let step = prop_oneof![6 => 0..3_u16, 1 => any::<u16>()];
    prop_oneof![
        4 => (any::<bool>(), any::<u16>(), id, length).prop_map(|(q, slot, id, len)| Lie::Element(q, slot, id, len)),
        3 => (any::<bool>(), step).prop_map(|(queue, step)| Lie::Index(queue, step)),
        1 => (any::<bool>(), any::<u16>()).prop_map(|(queue, event)| Lie::Events(queue, event)),
        3 => Just(Lie::Owner),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn frames_arrive_intact_and_in_order(
        steps in prop::collection::vec(step(), 1..64),
        event_index: bool,
    ) {
        let mut pair = pair(if event_index { EVENT_IDX } else { 0 });
        let (mut on_the_way, mut arriving) = (VecDeque::new(), VecDeque::new());
        let mut held = Vec::new();
        for (mark, step) in (1..).zip(steps) {
            match step {
                Step::Transmit(length) => match send(&mut pair.card, &frame(mark, length)) {
                    Ok(()) => on_the_way.push_back(frame(mark, length)),
                    Err(error) => prop_assert_eq!((error, on_the_way.len()), (TransmitError::Full, SIZE)),
                },
                Step::Flush => pair.card.flush(),
                Step::Send => prop_assert_eq!(pair.device.send().map(|sent| sent.1), on_the_way.pop_front()),
                Step::Deliver(length) => {
                    let delivered = pair.device.deliver(0, &frame(mark, length));
                    prop_assert_eq!(delivered, held.len() + arriving.len() < SIZE);
                    arriving.extend(delivered.then(|| frame(mark, length)));
                }
                Step::Receive => {
                    let received = pair.card.receive();
                    prop_assert_eq!(received.as_ref().map(|frame| frame.as_ref().to_vec()), arriving.pop_front());
                    held.extend(received);
                }
                Step::Recycle(index) if !held.is_empty() => {
                    let frame = held.swap_remove(index.index(held.len()));
                    pair.card.recycle(frame);
                }
                Step::Recycle(_) => {}
                Step::Arm => prop_assert_eq!(pair.card.arm(), arriving.is_empty()),
                Step::Disarm => pair.card.disarm(),
            }
        }
        prop_assert_eq!(pair.card.dropped(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    #[test]
    fn no_device_breaks_the_card(
        lies in prop::collection::vec(lie(), 1..32),
        features in prop::sample::select(vec![0, EVENT_IDX, CHECKSUM | GUEST_CHECKSUM | EVENT_IDX]),
    ) {
        let mut pair = pair(features);
        for lie in lies {
            match lie {
                Lie::Element(transmit, slot, id, length) => pair.device.queue(transmit).set_used_element(slot, id, length),
                Lie::Index(transmit, step) => {
                    let index = pair.device.queue(transmit).used_index().wrapping_add(step);
                    pair.device.queue(transmit).set_used_index(index);
                }
                Lie::Events(transmit, event) => {
                    pair.device.queue(transmit).set_available_event(event);
                    pair.device.queue(transmit).set_used_flags(event);
                }
                Lie::Owner => {
                    let held: Vec<_> = std::iter::from_fn(|| pair.card.receive()).collect();
                    prop_assert!(held.len() <= SIZE);
                    prop_assert!(held.iter().all(|frame| (14..=1524).contains(&frame.as_ref().len())));
                    held.into_iter().for_each(|frame| pair.card.recycle(frame));
                    while send(&mut pair.card, &datagram(RIGHT)).is_ok() {}
                    pair.card.flush();
                    pair.card.arm();
                }
            }
        }
    }
}
