//! A store that does what it wants.
//!
//! `XENSTORE_SEED` and `XENSTORE_CASES` set where the random frames begin and how many there are.
#![expect(unsafe_code, reason = "allocations are counted where they are made")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::env;
use std::format;
use std::rc::Rc;
use std::vec::Vec;

use iface_events::{Events, Source, fake::FakeEvents};
use iface_scheduler::{Scheduler as _, ThreadId, fake::FakeScheduler};
use iface_xenstore::{StoreError, Tree, Xenstore};
use xen_fake::FakeChannels;

use super::shared::{ANSWER_CONSUMER, ANSWER_PRODUCER, ERROR, FEATURES, PORT, REQUEST_CONSUMER, Shared};
use super::{at, world};
use crate::page::Page;
use crate::session::{Session, Step};
use crate::wire::{Header, PAYLOAD_MAX, Type};
use crate::{Config, Needs, init};

/// Counts bytes that this thread allocates.
struct Counting;

std::thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all is the system's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that ends has nowhere to count any more.
        let _ = ALLOCATED.try_with(|bytes| bytes.set(bytes.get() + layout.size()));
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A generator of numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())]
    }
}

/// A frame: one that fits the session's requests and watches, and then mostly spoilt.
fn frame(random: &mut Random, requests: &[(u32, u32)]) -> Vec<u8> {
    let (request, transaction) = if requests.is_empty() { (1, 0) } else { random.pick(requests) };
    let payloads: [(u32, &[u8]); 8] = [
        (Type::Read as u32, b"value"),
        (Type::Directory as u32, b"vif\0vbd\0"),
        (Type::TransactionStart as u32, b"17\0"),
        (Type::Write as u32, b"OK\0"),
        (Type::Error as u32, b"EAGAIN\0"),
        (Type::WatchEvent as u32, b"device/vif/0\x001\0"),
        (Type::WatchEvent as u32, b"device/vif/0\x0099\0"),
        (Type::Read as u32, b""),
    ];
    let (mut kind, payload) = random.pick(&payloads);
    let mut payload = payload.to_vec();
    if random.one_in(20) {
        payload.resize(random.below(PAYLOAD_MAX + 1), b'x');
    }
    if random.one_in(8) {
        kind = random.pick(&[0, 3, 16, 15, 27, 0xffff, u32::MAX]);
    }
    let mut header = Header { kind, request, transaction, length: payload.len() as u32 };
    match random.below(24) {
        0 => header.request = random.next() as u32,
        1 => header.transaction = random.next() as u32,
        2 => header.length = random.pick(&[0, 1, 4096]),
        3 if random.one_in(8) => header.length = random.pick(&[4097, u32::MAX, random.0 as u32]),
        _ => {}
    }
    let mut bytes = [&header.to_bytes()[..], &payload].concat();
    if random.one_in(4) {
        let place = 16 + random.below(bytes.len().max(17) - 16);
        if let Some(byte) = bytes.get_mut(place) {
            *byte = random.next() as u8;
        }
    }
    if random.one_in(64) {
        bytes.truncate(random.below(bytes.len()));
    }
    bytes
}

/// Has the session go on until it is idle; whether the store is still spoken to.
fn settle(session: &mut Session) -> bool {
    let mut budget = 2048;
    loop {
        match session.step(&mut budget) {
            Step::Idle | Step::Pause => return true,
            Step::Broken(_) => return false,
            Step::Changed(changed, path) => changed(&path),
            Step::Answered(_) | Step::Ignored(_) => {}
        }
    }
}

#[test]
fn a_million_frames_neither_panic_nor_loop_nor_allocate_more_than_they_carry() {
    let number = |name: &str, default| env::var(name).map_or(default, |text| text.parse().unwrap());
    let (seed, cases): (u64, u64) = (number("XENSTORE_SEED", 0x5eed), number("XENSTORE_CASES", 1_000_000));
    std::println!("XENSTORE_SEED={seed} XENSTORE_CASES={cases}");
    let mut random = Random(seed | 1);
    let shared = Shared::new();
    let mut done = 0;
    let (mut answered, mut broken) = (0_u64, 0_u64);
    while done < cases {
        shared.reset();
        let mut session = Session::new(Page::of(shared).unwrap().0);
        session.add_watch("device", Box::new(|_| {}));
        let (mut server_requests, mut answers) = shared.other_end();
        let mut requests: Vec<(u32, u32)> = Vec::new();
        while done < cases {
            done += 1;
            if requests.len() < 4 {
                let transaction = random.below(3) as u32;
                let parts: [&[u8]; 1] = [b"device/vif/0/state\0"];
                let request = session.request(ThreadId(1), Type::Read, transaction, &parts).unwrap();
                requests.push((request, transaction));
            }
            let bytes = frame(&mut random, &requests);
            let mut left = &bytes[..];
            let before = ALLOCATED.get();
            let mut lives = true;
            while !left.is_empty() && lives {
                let Ok(count) = answers.write(left) else { break };
                left = &left[count..];
                lives = settle(&mut session);
            }
            if random.one_in(50_000) {
                let word = random.pick(&[ANSWER_PRODUCER, REQUEST_CONSUMER, ANSWER_CONSUMER]);
                shared.set(word, random.next() as u32);
                lives &= settle(&mut session);
            }
            let allocated = ALLOCATED.get() - before;
            // What a frame may begin, end and begin again: the one before it may end with its first bytes.
            assert!(allocated <= 2 * PAYLOAD_MAX + 512, "{allocated} bytes, case {done}, seed {seed}");
            requests.retain(|(request, _)| match session.take_answer(*request) {
                None => true,
                Some(answer) => {
                    answered += u64::from(answer.and_then(|message| message.into_answer(Type::Read)).is_ok());
                    false
                }
            });
            if !lives {
                broken += 1;
                assert!(requests.is_empty(), "everybody hears of it");
                break;
            }
            // The store takes what is asked, or the ring of requests would fill.
            let _ = server_requests.read(&mut [0; 1024]);
        }
    }
    // The frames reach what they are to reach.
    assert!(answered > cases / 100 && broken > cases / 10_000, "{answered} answered, {broken} broken");
}

#[test]
fn a_length_beyond_the_protocol_ends_everything_for_everybody() {
    let world = world(false, 1024);
    let called = Rc::new(Cell::new(0));
    let counter = Rc::clone(&called);
    world.host.set("a", "1");
    world.store.watch("a", Box::new(move |_| counter.set(counter.get() + 1))).unwrap();
    world.scheduler.sleep_until(at(1));
    let before = called.get();
    let done = Rc::new(Cell::new(0));
    for n in 0..5 {
        let (store, done) = (world.store, Rc::clone(&done));
        let body = move || {
            assert_eq!(store.read(&format!("node/{n}")), Err(StoreError::Broken));
            done.set(done.get() + 1);
        };
        world.scheduler.spawn("reader", Box::new(body)).unwrap();
    }
    world.daemon.reversed.set(usize::MAX);
    let header = Header { kind: 2, request: 1, transaction: 0, length: 4097 };
    world.daemon.send(&header.to_bytes());
    world.scheduler.sleep_until(at(100));
    assert_eq!((done.get(), called.get()), (5, before + 1), "readers, and calls of the watch");
    assert_eq!(world.store.write("a", "2"), Err(StoreError::Broken));
    assert_eq!(world.store.transaction(&mut |_| Ok(())), Err(StoreError::Broken));
}

#[test]
fn impossible_indices_end_everything() {
    for (word, value) in [(ANSWER_PRODUCER, 7), (REQUEST_CONSUMER, 7)] {
        let world = world(false, 1024);
        let (shared, channels) = (world.shared, world.channels);
        world.daemon.reversed.set(usize::MAX);
        world.at(5, move || {
            shared.set(word, value);
            channels.notify(PORT);
        });
        let store = world.store;
        let body = move || assert_eq!(store.read("name"), Err(StoreError::Broken));
        world.scheduler.spawn("reader", Box::new(body)).unwrap();
        world.at(6, || {});
        world.scheduler.sleep_until(at(5));
        world.scheduler.sleep_until(at(6));
        assert_eq!(world.store.read("name"), Err(StoreError::Broken));
    }
}

#[test]
fn an_error_of_the_store_ends_everything() {
    let world = world(false, 1024);
    world.shared.set(ERROR, 2);
    world.host.set("name", "guest");
    assert_eq!(world.store.read("name").unwrap(), "guest", "the field means nothing yet");
    world.shared.set(FEATURES, 2);
    assert_eq!(world.store.read("name"), Err(StoreError::Broken));
}

#[test]
fn a_store_that_sends_without_end_leaves_others_their_turn() {
    const EVENTS: usize = 1000;
    let events = FakeEvents::new(Box::leak(Box::default()));
    let channels = FakeChannels::new(events);
    let scheduler = FakeScheduler::new(events, events.clock());
    let shared = Shared::new();
    let needs = Needs { event_channels: channels, events, hypervisor: shared, scheduler };
    let store = init(&Config { answer_shutdown: false }, needs).unwrap().xenstore;
    let (_, mut answers) = shared.other_end();
    let event = [&header(Type::WatchEvent, 0, 4)[..], b"a\x001\0"].concat();
    let answer = [&header(Type::Watch, 1, 3)[..], b"OK\0"].concat();
    answers.write(&answer).unwrap();
    answers.write(&event).unwrap();
    // Each event brings the next.
    let called: Rc<Cell<usize>> = Rc::default();
    let (counter, answers) = (Rc::clone(&called), RefCell::new(answers));
    let changed = move |_: &str| {
        counter.set(counter.get() + 1);
        if counter.get() < EVENTS {
            answers.borrow_mut().write(&event).unwrap();
        }
    };
    let other = Rc::new(Cell::new(None));
    let (noted, seen) = (Rc::clone(&other), Rc::clone(&called));
    events.subscribe(Source(1), Box::new(move || noted.set(Some(seen.get())))).unwrap();
    channels.notify(PORT);
    events.fire(Source(1));
    store.watch("a", Box::new(changed)).unwrap();
    let turn = other.get().expect("the other handler had its turn");
    assert!((1..EVENTS / 2).contains(&turn), "after {turn} events");
    scheduler.sleep_until(at(1));
    assert_eq!(called.get(), EVENTS, "and no event is lost");
}

fn header(kind: Type, request: u32, length: u32) -> [u8; 16] {
    Header { kind: kind as u32, request, transaction: 0, length }.to_bytes()
}
