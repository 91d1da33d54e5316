//! What the rings do with an honest other side.

use std::{boxed::Box, string::ToString, vec::Vec};

use core::ptr::NonNull;

use crate::{FrontRing, Full, InFlight, Index, Receiver, RingError, Sender};

/// A page, word by word.
#[repr(C, align(4096))]
struct Page([u32; 1024]);

const REQ_PROD: usize = 0;
const REQ_EVENT: usize = 1;
const RSP_PROD: usize = 2;
const RSP_EVENT: usize = 3;
const ENTRIES: usize = 16;

/// A ring of 8-byte entries (as net rx), and the page behind it.
struct World {
    ring: FrontRing<[u32; 2], [u32; 2]>,
    page: NonNull<u32>,
}

impl World {
    fn new() -> Self {
        let page: &mut Page = Box::leak(Box::new(Page([u32::MAX; 1024])));
        let page = NonNull::from(&mut page.0).cast::<u32>();
        // SAFETY: the page is leaked, and read and written through the same pointer alone.
        let ring = unsafe { FrontRing::new(page.cast()) };
        Self { ring, page }
    }

    fn get(&self, word: usize) -> u32 {
        assert!(word < 1024);
        // SAFETY: it lies in the page; no reference to it is live.
        unsafe { self.page.add(word).read() }
    }

    fn set(&self, word: usize, value: u32) {
        assert!(word < 1024);
        // SAFETY: as above.
        unsafe { self.page.add(word).write(value) }
    }

    /// Answers request `count` with itself and one more.
    fn answer(&self, count: u32) {
        let entry = ENTRIES + 2 * (count as usize % 256);
        self.set(entry + 1, self.get(entry) + 1);
        self.set(RSP_PROD, count.wrapping_add(1));
    }
}

#[test]
fn capacities_are_those_of_the_header() {
    fn capacity<
        Q: zerocopy::IntoBytes + zerocopy::Immutable,
        P: zerocopy::FromBytes + zerocopy::IntoBytes,
    >() -> u32 {
        let page: &mut Page = Box::leak(Box::new(Page([0; 1024])));
        // SAFETY: the page is leaked and not used otherwise.
        unsafe { FrontRing::<Q, P>::new(NonNull::from(page).cast()) }.capacity()
    }
    assert_eq!(capacity::<[u8; 12], [u8; 4]>(), 256, "net tx");
    assert_eq!(capacity::<[u8; 8], [u8; 8]>(), 256, "net rx");
    assert_eq!(capacity::<[u8; 112], [u8; 16]>(), 32, "block");
    assert_eq!(capacity::<[u8; 4], [u8; 2016]>(), 2);
    assert_eq!(capacity::<[u8; 4], [u8; 4032]>(), 1);
}

#[test]
fn a_new_ring_is_as_the_header_says() {
    let world = World::new();
    let header = [0, 1, 2, 3].map(|word| world.get(word));
    assert_eq!(header, [0, 1, 0, 1]);
    assert!((4..1024).all(|word| world.get(word) == 0), "what the page held before stays in it");
    assert_eq!((world.ring.free(), world.ring.capacity()), (256, 256));
}

#[test]
fn requests_go_out_when_published_and_come_back_answered() {
    let mut world = World::new();
    for round in 0..2000 {
        let first = 3 * round;
        for number in first..first + 3 {
            world.ring.push([number, 0]).unwrap();
        }
        assert_eq!(world.get(REQ_PROD), first, "the backend sees what was not published");
        assert_eq!(world.ring.pop(), Ok(None));
        let _ = world.ring.publish();
        assert_eq!(world.get(REQ_PROD), first + 3);
        for number in first..first + 3 {
            world.answer(number);
            assert_eq!(world.ring.pop(), Ok(Some([number, number + 1])));
        }
        assert_eq!((world.ring.pop(), world.ring.free()), (Ok(None), 256));
    }
}

#[test]
fn a_full_ring_takes_no_more_until_a_response_is_popped() {
    let mut world = World::new();
    (0..256).for_each(|number| world.ring.push([number, 0]).unwrap());
    assert_eq!((world.ring.push([256, 0]), world.ring.free()), (Err(Full), 0));
    let _ = world.ring.publish();
    world.answer(0);
    assert_eq!(world.ring.push([256, 0]), Err(Full));
    assert_eq!(world.ring.pop(), Ok(Some([0, 1])));
    assert_eq!((world.ring.push([256, 0]), world.ring.free()), (Ok(()), 0));
}

#[test]
fn the_backend_is_signalled_when_its_event_is_passed() {
    let mut world = World::new();
    let push = |world: &mut World, count| {
        (0..count).for_each(|_| world.ring.push([0, 0]).unwrap());
        world.ring.publish()
    };
    assert!(push(&mut world, 1), "the first request");
    assert!(!push(&mut world, 5), "the event is behind");
    world.set(REQ_EVENT, 8);
    assert!(!push(&mut world, 1), "the event is ahead: 7 of 8");
    assert!(push(&mut world, 1), "the eighth");
    world.set(REQ_EVENT, 10);
    assert!(push(&mut world, 5), "passed within a batch");
    world.set(REQ_EVENT, 13);
    assert!(!world.ring.publish(), "nothing new");
}

#[test]
fn arming_sets_the_event_and_tells_what_is_there() {
    let mut world = World::new();
    (0..4).for_each(|_| world.ring.push([0, 0]).unwrap());
    let _ = world.ring.publish();
    assert_eq!((world.ring.arm(1), world.get(RSP_EVENT)), (Ok(true), 1));
    world.answer(0);
    assert_eq!(world.ring.arm(1), Ok(false));
    assert_eq!((world.ring.arm(3), world.get(RSP_EVENT)), (Ok(true), 3));
    world.answer(1);
    world.answer(2);
    assert_eq!(world.ring.arm(3), Ok(false));
    while world.ring.pop().unwrap().is_some() {}
    assert_eq!((world.ring.arm(1), world.get(RSP_EVENT)), (Ok(true), 4));
}

#[test]
fn a_response_that_nobody_asked_for_kills_the_ring() {
    let mut world = World::new();
    (0..3).for_each(|_| world.ring.push([0, 0]).unwrap());
    let _ = world.ring.publish();
    world.ring.push([0, 0]).unwrap();
    world.set(RSP_PROD, 4);
    let error = RingError { index: Index::Responses, value: 4, least: 0, most: 3 };
    assert_eq!(world.ring.pop(), Err(error));
    assert_eq!(
        error.to_string(),
        "the other domain's response producer index is 4, which is not within 0 to 3"
    );
    world.set(RSP_PROD, 3);
    assert_eq!((world.ring.pop(), world.ring.arm(1)), (Err(error), Err(error)), "it comes to life again");
    assert_eq!((world.ring.free(), world.ring.push([0, 0]), world.ring.publish()), (0, Err(Full), false));
    assert_eq!(world.get(REQ_PROD), 3, "a dead ring writes its page");
}

#[test]
fn a_response_that_is_taken_back_kills_the_ring() {
    let mut world = World::new();
    (0..3).for_each(|_| world.ring.push([0, 0]).unwrap());
    let _ = world.ring.publish();
    world.answer(0);
    world.answer(1);
    assert_eq!(world.ring.pop(), Ok(Some([0, 1])));
    world.set(RSP_PROD, 1);
    let error = RingError { index: Index::Responses, value: 1, least: 2, most: 3 };
    assert_eq!(world.ring.arm(1), Err(error));
    assert_eq!(world.ring.pop(), Err(error), "the response before is handed out still");
}

#[test]
fn ids_are_given_once_and_taken_once() {
    let mut asked = InFlight::<char, 3>::new();
    let ids = ['a', 'b', 'c'].map(|thing| asked.insert(thing).unwrap());
    assert_eq!((ids, asked.insert('d'), asked.len()), ([0, 1, 2], None, 3));
    assert!(asked.is_full() && asked.get(1) == Some(&'b'));
    assert_eq!((asked.take(1), asked.take(1), asked.get(1)), (Some('b'), None, None));
    assert_eq!((asked.take(3), asked.take(u16::MAX)), (None, None));
    assert_eq!((asked.insert('e'), asked.insert('f')), (Some(1), None));
    assert_eq!(
        asked.iter().map(|(id, thing)| (id, *thing)).collect::<Vec<_>>(),
        [(0, 'a'), (1, 'e'), (2, 'c')]
    );
    assert_eq!(asked.drain().next(), Some((0, 'a')));
    assert_eq!(asked.drain().collect::<Vec<_>>(), [(1, 'e'), (2, 'c')]);
    assert!(asked.is_empty());
    assert_eq!(asked.insert('g').map(|id| asked.take(id)), Some(Some('g')));
}

#[test]
fn ids_stay_below_the_most_things_at_a_time() {
    let mut asked = InFlight::<u32, 8>::new();
    let ids = [0, 1, 2].map(|thing| asked.insert(thing).unwrap());
    for round in 0..100 {
        asked.take(ids[round % 3]).unwrap();
        asked.take(ids[(round + 1) % 3]).unwrap();
        let two = [asked.insert(0).unwrap(), asked.insert(1).unwrap()];
        assert!(two.iter().all(|id| *id < 3), "{two:?}");
    }
}

/// Indices and data of a byte ring.
struct Bytes {
    data: NonNull<[u8]>,
    producer: NonNull<u32>,
    consumer: NonNull<u32>,
}

impl Bytes {
    fn new(start: u32) -> Self {
        Self {
            data: NonNull::from(Box::leak(Box::new([0; 16]))),
            producer: NonNull::from(Box::leak(Box::new(start))),
            consumer: NonNull::from(Box::leak(Box::new(start))),
        }
    }

    fn ends(&self) -> (Sender<'static>, Receiver<'static>) {
        // SAFETY: all is leaked; both ends use the same pointers.
        unsafe {
            let sender = Sender::new(self.data, self.producer, self.consumer);
            (sender, Receiver::new(self.data, self.producer, self.consumer))
        }
    }
}

#[test]
fn bytes_come_out_as_they_went_in_across_the_wrap_of_the_indices() {
    let bytes = Bytes::new(u32::MAX - 100);
    let (mut sender, mut receiver) = bytes.ends();
    let (mut sent, mut received) = (Vec::new(), Vec::new());
    for round in 0..100_u8 {
        let message: Vec<u8> = (0..round % 23).map(|byte| byte ^ round).collect();
        let space = sender.space().unwrap();
        let count = sender.write(&message).unwrap();
        assert_eq!(count, space.min(message.len()));
        sent.extend_from_slice(&message[..count]);
        let mut buffer = [0; 11];
        let count = receiver.read(&mut buffer).unwrap();
        received.extend_from_slice(&buffer[..count]);
    }
    let mut rest = [0; 16];
    let count = receiver.read(&mut rest).unwrap();
    received.extend_from_slice(&rest[..count]);
    assert_eq!((received, receiver.available()), (sent, Ok(0)));
}

#[test]
fn a_full_byte_ring_holds_all_of_its_size() {
    let (mut sender, mut receiver) = Bytes::new(5).ends();
    assert_eq!((sender.write(&[7; 20]), sender.space()), (Ok(16), Ok(0)));
    assert_eq!((sender.write(&[7; 1]), receiver.available()), (Ok(0), Ok(16)));
    let mut buffer = [0; 20];
    assert_eq!(receiver.read(&mut buffer), Ok(16));
    assert_eq!((sender.space(), &buffer[15..17]), (Ok(16), &[7, 0][..]));
}

#[test]
fn impossible_indices_kill_a_byte_ring() {
    let bytes = Bytes::new(100);
    let (mut sender, mut receiver) = bytes.ends();
    assert_eq!(sender.write(&[0; 10]), Ok(10));
    // SAFETY: no reference to the index is live.
    unsafe { bytes.consumer.write(111) };
    let error = RingError { index: Index::Consumer, value: 111, least: 100, most: 110 };
    assert_eq!(sender.space(), Err(error));
    // SAFETY: as above.
    unsafe {
        bytes.consumer.write(100);
        bytes.producer.write(117);
    }
    assert_eq!(sender.write(b"x"), Err(error));
    let error = RingError { index: Index::Producer, value: 117, least: 100, most: 116 };
    assert_eq!(receiver.read(&mut [0; 4]), Err(error));
    // SAFETY: as above.
    unsafe { bytes.producer.write(110) };
    assert_eq!(receiver.available(), Err(error));
}
