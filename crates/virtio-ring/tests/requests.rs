//! Requests against devices: an honest one in any order, and ones that write what they like.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use proptest::prelude::*;
use virtio_drivers::transport::DeviceType;
use virtio_fake::{DeviceQueue, FakeHal, FakeTransport, Memory, Registers};
use virtio_ring::{Access, Answered, Request, Requests, Shape, UNANSWERED, VERSION_1};

const SIZE: usize = 16;
const SHAPE: Shape = Shape { requests: 4, header_length: 16, data_length: 1024 };

/// A driver's requests and the device behind them.
struct Pair {
    requests: Requests<FakeHal, SIZE>,
    transport: FakeTransport,
    device: DeviceQueue,
    _memory: Memory,
}

fn registers() -> Rc<RefCell<Registers>> {
    Registers::new(DeviceType::Block, VERSION_1, &[], 1).shared()
}

fn pair(shape: Shape) -> Pair {
    let memory = Memory::default();
    let registers = registers();
    let mut transport = FakeTransport(registers.clone());
    let requests = Requests::new(&mut transport, 0, shape, false).unwrap();
    Pair { requests, transport, device: DeviceQueue::new(&registers, 0), _memory: memory }
}

impl Pair {
    fn take_all_free(&mut self) -> Vec<Request> {
        std::iter::from_fn(|| self.requests.take_free()).collect()
    }

    fn take_all_answered(&mut self) -> Vec<Answered> {
        std::iter::from_fn(|| self.requests.take_answered()).collect()
    }
}

#[test]
fn as_many_requests_are_made_as_there_are_descriptors_for() {
    for (requests, expected) in [(0, 1), (1, 1), (3, 3), (4, 4), (5, 4), (u16::MAX, 4)] {
        let mut pair = pair(Shape { requests, ..SHAPE });
        assert_eq!(pair.requests.shape().requests, expected);
        assert_eq!(pair.take_all_free().len(), usize::from(expected));
        assert!(!pair.requests.has_free());
    }
}

#[test]
fn requests_do_not_overlap() {
    let mut pair = pair(SHAPE);
    let mut requests = pair.take_all_free();
    for (mark, request) in (1..).zip(&mut requests) {
        request.data_mut().fill(mark);
        request.header_mut().fill(mark ^ 0xff);
    }
    for (mark, request) in (1..).zip(&mut requests) {
        assert_eq!((request.data().len(), request.header_mut().len()), (1024, 16));
        assert!(request.data().iter().all(|byte| *byte == mark));
        assert!(request.header_mut().iter().all(|byte| *byte == mark ^ 0xff));
    }
}

#[test]
fn a_chain_is_a_header_data_and_a_status() {
    let mut pair = pair(SHAPE);
    for (access, length) in
        [(Access::Reads, 700), (Access::Writes, 1024), (Access::Writes, u32::MAX), (Access::Reads, 0)]
    {
        let mut request = pair.requests.take_free().unwrap();
        request.header_mut().copy_from_slice(b"what is asked...");
        request.data_mut().fill(7);
        pair.requests.offer(request, access, length);
        pair.requests.kick(&mut pair.transport);
        let head = pair.device.take_available().unwrap();
        let chain = pair.device.chain(head);
        assert_eq!(pair.device.read(&chain[0]), b"what is asked...");
        assert!(!chain[0].writable);
        let [data @ .., status] = &chain[1..] else { panic!("no status") };
        assert_eq!((status.length, status.writable, pair.device.read(status)), (1, true, vec![UNANSWERED]));
        assert_eq!(data.len(), usize::from(length != 0));
        for data in data {
            assert_eq!((data.length, data.writable), (length.min(1024), access == Access::Writes));
            assert_eq!(pair.device.read(data), vec![7; data.length as usize]);
        }
        pair.device.write(status, &[3]);
        pair.device.put_used(head.id.into(), 42);
        let Answered { request, length } = pair.requests.take_answered().unwrap();
        assert_eq!((request.status(), length), (3, 42));
        pair.requests.give_back(request);
    }
    assert_eq!(pair.device.notifications(), 4);
    assert_eq!(pair.requests.faults(), 0);
}

#[test]
fn a_status_of_the_last_time_is_forgotten() {
    let mut pair = pair(Shape { requests: 1, ..SHAPE });
    for written in [Some(0), None] {
        let request = pair.requests.take_free().unwrap();
        pair.requests.offer(request, Access::Reads, 0);
        let head = pair.device.take_available().unwrap();
        if let Some(status) = written {
            pair.device.write(&pair.device.chain(head)[1], &[status]);
        }
        pair.device.put_used(head.id.into(), 1);
        let Answered { request, .. } = pair.requests.take_answered().unwrap();
        assert_eq!(request.status(), written.unwrap_or(UNANSWERED));
        pair.requests.give_back(request);
    }
}

#[test]
fn a_request_of_another_queue_is_refused() {
    let (mut one, mut two) = (pair(SHAPE), pair(SHAPE));
    one.requests.give_back(two.requests.take_free().unwrap());
    one.requests.offer(two.requests.take_free().unwrap(), Access::Reads, 4);
    assert_eq!((one.take_all_free().len(), one.device.take_available()), (4, None));
}

/// What happens between a driver and a hostile device.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Element(u16, u32, u32),
    Index(u16),
    Offer,
    Reap,
}

fn deed() -> impl Strategy<Value = Deed> {
    let head = prop_oneof![4 => 0..2 * SIZE as u32, 1 => any::<u32>()];
    let step = prop_oneof![4 => 0..3_u16, 1 => any::<u16>()];
    prop_oneof![
        (any::<u16>(), head, any::<u32>()).prop_map(|(slot, head, length)| Deed::Element(slot, head, length)),
        step.prop_map(Deed::Index),
        Just(Deed::Offer),
        Just(Deed::Reap),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    #[test]
    fn no_device_makes_or_doubles_a_request(deeds in prop::collection::vec(deed(), 1..48)) {
        let mut pair = pair(SHAPE);
        let mut with_device = BTreeSet::new();
        for deed in deeds {
            match deed {
                Deed::Element(slot, head, length) => pair.device.set_used_element(slot, head, length),
                Deed::Index(step) => pair.device.set_used_index(pair.device.used_index().wrapping_add(step)),
                Deed::Offer => {
                    if let Some(request) = pair.requests.take_free() {
                        prop_assert!(with_device.insert(request.number()));
                        pair.requests.offer(request, Access::Writes, 9);
                    }
                }
                Deed::Reap => {
                    for Answered { request, .. } in pair.take_all_answered() {
                        prop_assert!(with_device.remove(&request.number()), "the device did not have it");
                        pair.requests.give_back(request);
                    }
                    let free = pair.take_all_free();
                    let numbers: BTreeSet<_> = free.iter().map(Request::number).collect();
                    prop_assert_eq!(numbers.len() + with_device.len(), 4);
                    prop_assert!(numbers.is_disjoint(&with_device));
                    free.into_iter().for_each(|request| pair.requests.give_back(request));
                }
            }
        }
    }
}
