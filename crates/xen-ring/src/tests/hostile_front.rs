//! Request rings with a backend that writes whatever it likes, whenever it likes: between any two accesses of the ring.
//!
//! A model beside the ring knows from the values that were read what must come of each call, and which accesses the call may
//! make, in order. So an index or a word that is read twice is a failure even where both reads give the same.

use core::cell::Cell;
use std::{boxed::Box, collections::BTreeMap, vec, vec::Vec};

use super::{
    memory::{Memory, WORDS, watch},
    random::{Random, say},
    watch::Access,
};
use crate::{FrontRing, Full, InFlight, Index, RingError};

/// Calls of the ring's functions in each suite.
const CASES: u32 = 1_000_000;

const REQ_PROD: usize = 0;
const REQ_EVENT: usize = 1;
const RSP_PROD: usize = 2;
const RSP_EVENT: usize = 3;
const ENTRIES: usize = 16;

#[test]
fn net_transmit() {
    run::<3, 1, 256>("net transmit");
}

#[test]
fn net_receive() {
    run::<2, 2, 256>("net receive");
}

#[test]
fn block() {
    run::<28, 4, 32>("block");
}

/// Requests of `Q` words and responses of `P`, `N` to a ring.
fn run<const Q: usize, const P: usize, const N: usize>(name: &str) {
    let backend: &'static Backend = Box::leak(Box::new(Backend::new(name, Q.max(P), N)));
    let _watch = watch(move |access| backend.between(access));
    let mut sum = Counts::default();
    while sum.cases < CASES {
        let mut life = Life::<Q, P, N>::new(backend);
        life.live();
        sum.add(&life.counts);
        backend.memory.check_guards();
    }
    say(&format_args!("{name}: {sum:?}"));
    assert!(sum.popped > CASES / 10 && sum.answered > CASES / 100, "hardly a response came through");
    assert!(sum.dead > CASES / 1000 && sum.wrapped > CASES / 10_000, "hardly a ring died or wrapped");
}

/// What happened.
#[derive(Debug, Default)]
struct Counts {
    /// Calls.
    cases: u32,
    /// Responses that came out.
    popped: u32,
    /// Those of them whose id was one that was asked for.
    answered: u32,
    /// Rings that died.
    dead: u32,
    /// Rings whose counts wrapped.
    wrapped: u32,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.cases += other.cases;
        self.popped += other.popped;
        self.answered += other.answered;
        self.dead += other.dead;
        self.wrapped += other.wrapped;
    }
}

/// The other domain, and what it knows of the ring.
struct Backend {
    random: Random,
    memory: &'static Memory,
    /// Words of an entry, and entries.
    stride: usize,
    capacity: usize,
    /// One of how many of its acts is a hostile one.
    spite: Cell<u32>,
    /// The ring's counts: popped, answered, published, pushed.
    counts: Cell<[u32; 4]>,
    /// An id that is asked for.
    id: Cell<u32>,
}

impl Backend {
    fn new(name: &str, stride: usize, capacity: usize) -> Self {
        let (random, memory) = (Random::new(name), Memory::new());
        let (spite, counts, id) = (Cell::new(1), Cell::default(), Cell::default());
        Self { random, memory, stride, capacity, spite, counts, id }
    }

    /// Notes an access of the ring, and acts after it now and then.
    fn between(&self, access: Access) {
        self.memory.note(access);
        if self.random.one_in(8) {
            self.act();
        }
    }

    fn act(&self) {
        if self.random.one_in(self.spite.get()) {
            self.spite_once();
        } else {
            self.answer();
        }
    }

    /// Answers some of the requests that were published, as an honest backend does.
    fn answer(&self) {
        let [_, answered, published, _] = self.counts.get();
        let (put, open) = (self.memory.get(RSP_PROD), published.wrapping_sub(answered));
        let ahead = put.wrapping_sub(answered);
        if ahead >= open {
            return;
        }
        self.put_response(put);
        self.memory.set(RSP_PROD, put.wrapping_add(1 + self.random.below(open - ahead)));
        if self.random.one_in(2) {
            self.memory.set(REQ_EVENT, published.wrapping_add(1));
        }
    }

    fn put_response(&self, count: u32) {
        let id = match self.random.below(4) {
            0 => self.random.word(),
            1 => self.random.below(2 * self.capacity as u32),
            _ => self.id.get(),
        };
        self.memory.set(ENTRIES + self.slot(count) * self.stride, id);
    }

    fn spite_once(&self) {
        let counts = self.counts.get();
        match self.random.below(8) {
            0 | 1 => self.memory.set(RSP_PROD, self.random.index(&counts)),
            2 => {
                let far = counts.map(|count| count.wrapping_add(self.capacity as u32));
                self.memory.set(RSP_PROD, self.random.index(&far));
            }
            3 | 4 => self.memory.set(REQ_EVENT, self.random.index(&counts)),
            5 => self.put_response(self.random.index(&counts)),
            6 => self.memory.set(self.random.below(ENTRIES as u32) as usize, self.random.index(&counts)),
            _ => self.memory.set(self.random.below(WORDS as u32) as usize, self.random.word()),
        }
    }

    fn slot(&self, count: u32) -> usize {
        count as usize % self.capacity
    }

    fn read(&self, word: usize, value: u32) -> Access {
        Access::Read { at: word * 4, bytes: 4, value }
    }

    fn wrote(&self, word: usize, value: u32) -> Access {
        Access::Wrote { at: word * 4, bytes: 4, value }
    }
}

/// A ring from its beginning to its death or a bit after, and what is known of it. Counts of the model do not wrap.
struct Life<const Q: usize, const P: usize, const N: usize> {
    backend: &'static Backend,
    ring: FrontRing<[u32; Q], [u32; P]>,
    asked: InFlight<u32, N>,
    expected: BTreeMap<u16, u32>,
    start: u64,
    pushed: u64,
    published: u64,
    answered: u64,
    popped: u64,
    dead: Option<RingError>,
    counts: Counts,
}

impl<const Q: usize, const P: usize, const N: usize> Life<Q, P, N> {
    fn new(backend: &'static Backend) -> Self {
        let start = backend.random.start();
        backend.spite.set(u32::MAX);
        // SAFETY: the page is leaked, and accessed by atomics alone.
        let new = || unsafe { FrontRing::starting_at(backend.memory.page(), start) };
        let (ring, _) = backend.memory.watching(new);
        assert_eq!(ring.capacity() as usize, N);
        backend.spite.set(backend.random.pick(&[1, 8, 64, 512]));
        let start = u64::from(start);
        Self {
            backend,
            ring,
            asked: InFlight::new(),
            expected: BTreeMap::new(),
            start,
            pushed: start,
            published: start,
            answered: start,
            popped: start,
            dead: None,
            counts: Counts::default(),
        }
    }

    fn live(&mut self) {
        let mut left = 2000;
        while left > 0 {
            left = if self.dead.is_some() { left.min(8) } else { left } - 1;
            self.counts.cases += 1;
            self.tell_backend();
            self.backend.act();
            self.step();
            assert_eq!(self.ring.free() as u64, self.free());
        }
        self.counts.dead = self.dead.is_some().into();
        self.counts.wrapped = (self.start <= u32::MAX.into() && self.popped > u32::MAX.into()).into();
    }

    fn tell_backend(&self) {
        let counts = [self.popped, self.answered, self.published, self.pushed];
        self.backend.counts.set(counts.map(|count| count as u32));
        self.backend.id.set(self.expected.keys().next().copied().unwrap_or_default().into());
    }

    fn step(&mut self) {
        match self.backend.random.below(10) {
            0..=2 => self.push(),
            3 => self.publish(),
            4..=7 => self.pop(),
            _ => self.arm(),
        }
    }

    fn free(&self) -> u64 {
        if self.dead.is_some() { 0 } else { N as u64 - (self.pushed - self.popped) }
    }

    fn push(&mut self) {
        let (backend, free) = (self.backend, self.free());
        let number = backend.random.word();
        let request = [number; Q].map(|word| word ^ backend.random.word());
        let (pushed, accesses) = backend.memory.watching(|| self.ring.push(request));
        if free == 0 {
            assert_eq!((pushed, accesses), (Err(Full), vec![]));
            return;
        }
        let entry = ENTRIES + backend.slot(self.pushed as u32) * backend.stride;
        let words = (entry..).zip(request).map(|(word, value)| backend.wrote(word, value));
        assert_eq!((pushed, accesses), (Ok(()), words.collect()));
        self.pushed += 1;
        match self.asked.insert(number) {
            Some(id) => assert_eq!(self.expected.insert(id, number), None, "id {id} is given twice"),
            None => assert_eq!(self.expected.len(), N),
        }
    }

    fn publish(&mut self) {
        let backend = self.backend;
        let (signal, accesses) = backend.memory.watching(|| self.ring.publish());
        if self.dead.is_some() || self.published == self.pushed {
            assert_eq!((signal, accesses), (false, vec![]));
            return;
        }
        let event = read_value(&accesses[2]);
        let made =
            [backend.wrote(REQ_PROD, self.pushed as u32), Access::Fenced, backend.read(REQ_EVENT, event)];
        assert_eq!(accesses, made);
        let passed = (self.published + 1..=self.pushed).any(|count| count as u32 == event);
        assert_eq!(signal, passed, "{event} of {} to {}", self.published, self.pushed);
        self.published = self.pushed;
    }

    fn pop(&mut self) {
        let (backend, dead) = (self.backend, self.dead);
        let (popped, accesses) = backend.memory.watching(|| self.ring.pop());
        if let Some(error) = dead {
            assert_eq!((popped, accesses), (Err(error), vec![]));
            return;
        }
        let looks = self.popped == self.answered;
        if looks && self.look(&accesses[0]).is_err() {
            assert_eq!((popped.err(), accesses.len()), (self.dead, 1));
            return;
        }
        let words = &accesses[usize::from(looks)..];
        if self.popped == self.answered {
            assert_eq!((popped, words), (Ok(None), &[][..]));
            return;
        }
        let response = popped.unwrap().expect("there is a response");
        let entry = ENTRIES + backend.slot(self.popped as u32) * backend.stride;
        let made: Vec<_> = (entry..).zip(response).map(|(word, value)| backend.read(word, value)).collect();
        assert_eq!(words, made);
        self.popped += 1;
        self.counts.popped += 1;
        assert!(self.popped <= self.published, "a request is answered twice");
        self.judge(response[0] as u16);
    }

    /// What the id of a response brings: the thing it was given for, at most once.
    fn judge(&mut self, id: u16) {
        let expected = self.expected.remove(&id);
        assert_eq!(self.asked.take(id), expected, "id {id}");
        assert_eq!((self.asked.take(id), self.asked.len()), (None, self.expected.len()));
        self.counts.answered += u32::from(expected.is_some());
    }

    fn arm(&mut self) {
        let (backend, dead) = (self.backend, self.dead);
        let responses =
            backend.random.pick(&[1, 1, 2, backend.random.below(N as u32), backend.random.word()]);
        let (armed, accesses) = backend.memory.watching(|| self.ring.arm(responses));
        if let Some(error) = dead {
            assert_eq!((armed, accesses), (Err(error), vec![]));
            return;
        }
        let event = (self.popped as u32).wrapping_add(responses);
        assert_eq!(accesses[..2], [backend.wrote(RSP_EVENT, event), Access::Fenced]);
        assert_eq!(accesses.len(), 3);
        match self.look(&accesses[2]) {
            Ok(()) => assert_eq!(armed, Ok(self.answered - self.popped < responses.into())),
            Err(error) => assert_eq!(armed, Err(error)),
        }
    }

    /// What becomes of the ring once it saw the backend's index.
    fn look(&mut self, access: &Access) -> Result<(), RingError> {
        let value = read_value(access);
        assert_eq!(*access, self.backend.read(RSP_PROD, value));
        match (self.answered..=self.published).find(|count| *count as u32 == value) {
            Some(count) => {
                self.answered = count;
                Ok(())
            }
            None => {
                let (least, most) = (self.answered as u32, self.published as u32);
                let error = RingError { index: Index::Responses, value, least, most };
                self.dead = Some(error);
                Err(error)
            }
        }
    }
}

fn read_value(access: &Access) -> u32 {
    match access {
        Access::Read { value, .. } => *value,
        other => panic!("{other:?} where a word was to be read"),
    }
}
