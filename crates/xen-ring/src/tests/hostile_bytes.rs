//! Byte rings with another side that writes whatever it likes, whenever it likes, judged as request rings are.

use core::{cell::Cell, ops::RangeInclusive, ptr::NonNull};
use std::{boxed::Box, vec, vec::Vec};

use super::{
    memory::{Memory, watch},
    random::{Random, say},
    watch::Access,
};
use crate::{Index, Receiver, RingError, Sender};

/// Calls of the ring's functions in each suite.
const CASES: u32 = 1_000_000;
/// Added to counts, so that the model's do not pass zero when a ring's size is taken off.
const LAP: u64 = 1 << 32;

/// Where a ring is in its page, in bytes.
#[derive(Clone, Copy)]
struct Layout {
    data: usize,
    size: usize,
    producer: usize,
    consumer: usize,
}

/// `out` of `struct xencons_interface` (`io/console.h`).
const CONSOLE_OUT: Layout = Layout { data: 1024, size: 2048, producer: 3084, consumer: 3080 };
/// `in` of the same.
const CONSOLE_IN: Layout = Layout { data: 0, size: 1024, producer: 3076, consumer: 3072 };
/// `req` of `struct xenstore_domain_interface` (`io/xs_wire.h`).
const STORE_REQUESTS: Layout = Layout { data: 0, size: 1024, producer: 2052, consumer: 2048 };
/// `rsp` of the same.
const STORE_REPLIES: Layout = Layout { data: 1024, size: 1024, producer: 2060, consumer: 2056 };

#[test]
fn console_output() {
    run("console output", CONSOLE_OUT, send);
}

#[test]
fn console_input() {
    run("console input", CONSOLE_IN, receive);
}

#[test]
fn store_requests() {
    run("store requests", STORE_REQUESTS, send);
}

#[test]
fn store_replies() {
    run("store replies", STORE_REPLIES, receive);
}

fn run(name: &str, layout: Layout, live: fn(&'static Peer) -> Counts) {
    let (random, memory) = (Random::new(name), Memory::new());
    let peer = Peer { random, memory, layout, spite: Cell::new(1), ours: Cell::new(0), theirs: Cell::new(0) };
    let peer: &'static Peer = Box::leak(Box::new(peer));
    let _watch = watch(move |access| peer.between(access));
    let mut sum = Counts::default();
    while sum.cases < CASES {
        let counts = live(peer);
        sum.cases += counts.cases;
        sum.bytes += counts.bytes;
        sum.dead += counts.dead;
        sum.wrapped += counts.wrapped;
        memory.check_guards();
    }
    say(&format_args!("{name}: {sum:?}"));
    assert!(sum.bytes > u64::from(CASES), "hardly a byte came through");
    assert!(sum.dead > CASES / 1000 && sum.wrapped > CASES / 10_000, "hardly a ring died or wrapped");
}

/// What happened.
#[derive(Debug, Default)]
struct Counts {
    /// Calls.
    cases: u32,
    /// Bytes that went through.
    bytes: u64,
    /// Rings that died.
    dead: u32,
    /// Rings whose counts wrapped.
    wrapped: u32,
}

/// A constructor of one half.
type New<R> = unsafe fn(NonNull<[u8]>, NonNull<u32>, NonNull<u32>) -> R;

/// The other side, and what it knows of the ring.
struct Peer {
    random: Random,
    memory: &'static Memory,
    layout: Layout,
    /// One of how many of its acts is a hostile one.
    spite: Cell<u32>,
    /// The index that this domain writes, and the place of the other's.
    ours: Cell<u32>,
    theirs: Cell<usize>,
}

impl Peer {
    /// A ring of the given constructor's kind whose indices begin somewhere.
    fn attach<R>(&self, theirs: usize, new: New<R>) -> (R, u64) {
        let start = self.random.start();
        let Layout { data, size, producer, consumer } = self.layout;
        self.spite.set(u32::MAX);
        self.ours.set(start);
        self.theirs.set(theirs);
        self.memory.set(producer / 4, start);
        self.memory.set(consumer / 4, start);
        // SAFETY: the places are in the page, which is leaked, and accessed by atomics alone.
        let new = || unsafe {
            let place = |offset| self.memory.page().add(offset);
            let data = NonNull::slice_from_raw_parts(place(data), size);
            new(data, place(producer).cast(), place(consumer).cast())
        };
        let (ring, accesses) = self.memory.watching(new);
        assert_eq!(accesses, [self.read(if theirs == producer { consumer } else { producer }, start)]);
        self.spite.set(self.random.pick(&[1, 8, 64, 512]));
        (ring, LAP + u64::from(start))
    }

    /// Notes an access of the ring, and acts after it now and then.
    fn between(&self, access: Access) {
        self.memory.note(access);
        if self.random.one_in(8) {
            self.act();
        }
    }

    fn act(&self) {
        let Layout { data, size, producer, consumer } = self.layout;
        let (random, theirs) = (&self.random, self.theirs.get() / 4);
        let near = [0, size as u32]
            .map(|size| [self.ours.get().wrapping_add(size), self.ours.get().wrapping_sub(size)]);
        if !random.one_in(self.spite.get()) {
            self.advance();
            return;
        }
        match random.below(4) {
            0 => self.memory.set(theirs, random.index(near.as_flattened())),
            1 => self.memory.set(theirs, self.memory.get(theirs).wrapping_sub(1 + random.below(3))),
            2 => self.memory.set(random.pick(&[producer, consumer]) / 4, random.index(near.as_flattened())),
            _ => self.memory.set_byte(data + random.below(size as u32) as usize, random.word() as u8),
        }
    }

    /// Moves the other side's index on as far as an honest one may, or less.
    fn advance(&self) {
        let (theirs, size) = (self.theirs.get(), self.layout.size as u32);
        let most =
            if theirs == self.layout.producer { self.ours.get().wrapping_add(size) } else { self.ours.get() };
        let now = self.memory.get(theirs / 4);
        let room = most.wrapping_sub(now);
        if room <= size {
            self.memory.set(theirs / 4, now.wrapping_add(self.random.below(room.min(64) + 1)));
        }
    }

    /// How much a call is asked for.
    fn length(&self) -> usize {
        let most = if self.random.one_in(64) { self.layout.size as u32 + 50 } else { 24 };
        self.random.below(most) as usize
    }

    /// The place of byte `count`.
    fn place(&self, count: u64) -> usize {
        self.layout.data + (count % self.layout.size as u64) as usize
    }

    fn read(&self, at: usize, value: u32) -> Access {
        Access::Read { at, bytes: 4, value }
    }

    fn wrote(&self, at: usize, value: u32) -> Access {
        Access::Wrote { at, bytes: 4, value }
    }
}

/// What a ring knows of the other side's index.
struct Theirs {
    index: Index,
    /// Where it is.
    at: usize,
    /// The last one that was possible.
    last: u64,
    dead: Option<RingError>,
}

impl Theirs {
    /// What becomes of the ring once it saw the index, which is not beyond `most`.
    fn look(&mut self, access: &Access, most: u64) -> Result<(), RingError> {
        let Access::Read { at, bytes: 4, value } = *access else {
            panic!("{access:?} where an index was to be read");
        };
        assert_eq!(at, self.at);
        let possible: RangeInclusive<u64> = self.last..=most;
        match possible.clone().find(|count| *count as u32 == value) {
            Some(count) => {
                self.last = count;
                Ok(())
            }
            None => {
                let (least, most) = (*possible.start() as u32, *possible.end() as u32);
                let error = RingError { index: self.index, value, least, most };
                self.dead = Some(error);
                Err(error)
            }
        }
    }

    /// Whether a ring goes on, which is looked at for a few calls after its death.
    fn goes_on(&self, left: &mut u32) -> bool {
        *left = if self.dead.is_some() { (*left).min(8) } else { *left };
        *left = left.saturating_sub(1);
        *left > 0
    }
}

/// Sends into a ring until its death or a bit after.
fn send(peer: &'static Peer) -> Counts {
    let Layout { size, producer, consumer, .. } = peer.layout;
    let (mut ring, start) = peer.attach(consumer, Sender::new);
    let size = size as u64;
    let mut theirs = Theirs { index: Index::Consumer, at: consumer, last: start - size, dead: None };
    let (mut sent, mut left, mut counts) = (start, 1000, Counts::default());
    while theirs.goes_on(&mut left) {
        counts.cases += 1;
        peer.act();
        let bytes: Vec<u8> = (0..peer.length()).map(|_| peer.random.word() as u8).collect();
        let asks = peer.random.one_in(8);
        let (done, accesses) = peer.memory.watching(|| if asks { ring.space() } else { ring.write(&bytes) });
        if let Some(error) = theirs.dead {
            assert_eq!((done, accesses), (Err(error), vec![]));
            continue;
        }
        if let Err(error) = theirs.look(&accesses[0], sent) {
            assert_eq!((done, accesses.len()), (Err(error), 1));
            continue;
        }
        let space = (size - (sent - theirs.last)) as usize;
        if asks {
            assert_eq!((done, accesses.len()), (Ok(space), 1));
            continue;
        }
        let bytes = &bytes[..space.min(bytes.len())];
        assert_eq!(done, Ok(bytes.len()));
        let mut made: Vec<_> = (sent..)
            .zip(bytes)
            .map(|(count, byte)| Access::Wrote { at: peer.place(count), bytes: 1, value: (*byte).into() })
            .collect();
        sent += bytes.len() as u64;
        made.push(peer.wrote(producer, sent as u32));
        assert_eq!(accesses[1..], made);
        peer.ours.set(sent as u32);
    }
    counts.finish(start, sent, &theirs)
}

/// Receives from a ring until its death or a bit after.
fn receive(peer: &'static Peer) -> Counts {
    let Layout { size, producer, consumer, .. } = peer.layout;
    let (mut ring, start) = peer.attach(producer, Receiver::new);
    let mut theirs = Theirs { index: Index::Producer, at: producer, last: start, dead: None };
    let (mut received, mut left, mut counts) = (start, 1000, Counts::default());
    while theirs.goes_on(&mut left) {
        counts.cases += 1;
        peer.act();
        let mut buffer = vec![0xee; peer.length()];
        let asks = peer.random.one_in(8);
        let (done, accesses) =
            peer.memory.watching(|| if asks { ring.available() } else { ring.read(&mut buffer) });
        if let Some(error) = theirs.dead {
            assert_eq!((done, accesses), (Err(error), vec![]));
            continue;
        }
        if let Err(error) = theirs.look(&accesses[0], received + size as u64) {
            assert_eq!((done, accesses.len()), (Err(error), 1));
            continue;
        }
        let available = (theirs.last - received) as usize;
        if asks {
            assert_eq!((done, accesses.len()), (Ok(available), 1));
            continue;
        }
        let (read, rest) = buffer.split_at(available.min(buffer.len()));
        assert_eq!(done, Ok(read.len()));
        assert!(rest.iter().all(|byte| *byte == 0xee), "more is written than is read");
        let mut made: Vec<_> = (received..)
            .zip(read)
            .map(|(count, byte)| Access::Read { at: peer.place(count), bytes: 1, value: (*byte).into() })
            .collect();
        received += read.len() as u64;
        made.push(peer.wrote(consumer, received as u32));
        assert_eq!(accesses[1..], made);
        peer.ours.set(received as u32);
    }
    counts.finish(start, received, &theirs)
}

impl Counts {
    fn finish(self, start: u64, end: u64, theirs: &Theirs) -> Self {
        let wrapped = start < 2 * LAP && end >= 2 * LAP;
        Self { bytes: end - start, dead: theirs.dead.is_some().into(), wrapped: wrapped.into(), ..self }
    }
}
