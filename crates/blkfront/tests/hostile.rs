//! The driver against a backend that does what it likes. `BLKFRONT_CASES` and `BLKFRONT_SEED` say how much of it and which.

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use blkfront::Config;
use common::{Connection, Request, Response, World, config, pattern};
use iface_block_device::{BlockDevice, BlockError, fake::Disk};
use iface_clock::Clock;
use iface_event_channels::Port;
use iface_events::{Events, Source};
use iface_scheduler::Scheduler;
use xenbus::State;

/// Fires when the backend looks for requests by itself.
const LOOK: Source = Source(2);

/// Marsaglia's xorshift64.
struct Random(Cell<u64>);

impl Random {
    fn new(seed: u64) -> Self {
        Self(Cell::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1))
    }

    fn next(&self) -> u64 {
        let mut state = self.0.get();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.0.set(state);
        state
    }

    fn below(&self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// A backend without honour, and what it knows of its deeds.
struct Backend {
    random: Random,
    /// Requests that it took and did not answer.
    owed: RefCell<Vec<Request>>,
    cases: Cell<u64>,
    /// Whether what was read or written since the last question may be wrong.
    lied: Cell<bool>,
    mood: Cell<Mood>,
    /// The channel of the connection that all this is about.
    port: Cell<Option<Port>>,
    /// How often the driver had to find out.
    cheated: Cell<u64>,
}

/// Whether it goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Working,
    /// The driver sees with the next signal that it is cheated, and has to leave at once.
    Caught,
    /// It goes away by itself, and the driver may be late to see it.
    Leaving,
}

impl Backend {
    fn new(seed: u64) -> Rc<Self> {
        Rc::new(Self {
            random: Random::new(seed),
            owed: RefCell::default(),
            cases: Cell::new(0),
            lied: Cell::new(false),
            mood: Cell::new(Mood::Working),
            port: Cell::new(None),
            cheated: Cell::new(0),
        })
    }

    /// Takes what the driver asks, and does something.
    fn signalled(&self, world: &'static World) {
        let mut guard = world.connection.borrow_mut();
        let Some(connection) = guard.as_mut() else { return };
        if self.port.replace(Some(connection.port)) != Some(connection.port) {
            self.mood.set(Mood::Working);
            self.owed.borrow_mut().clear();
        }
        match self.mood.get() {
            Mood::Working => {}
            Mood::Caught => {
                assert_eq!(connection.ring.waiting(), 0, "the driver goes on after what cannot be")
            }
            Mood::Leaving => return,
        }
        while let Some(request) = connection.ring.take() {
            self.owed.borrow_mut().push(request);
        }
        connection.ring.arm();
        let mut index = None;
        while !self.owed.borrow().is_empty() && self.mood.get() == Mood::Working {
            self.cases.set(self.cases.get() + 1);
            index = self.act(world, connection);
        }
        // The driver may want no signal, and gets one all the same.
        connection.ring.publish();
        if let Some(index) = index {
            connection.ring.set_response_index(index);
        }
        world.channels.notify(connection.port);
    }

    /// Does one thing; returns an index that cannot be, where it is that.
    fn act(&self, world: &'static World, connection: &mut Connection) -> Option<u32> {
        match self.random.below(40) {
            0 => self.cheat(connection),
            1 => return Some(self.jump(connection)),
            2 => self.litter(connection),
            3 => self.write_behind_the_drivers_back(connection),
            4 => self.ask_for_no_signal(world, connection),
            5 => self.leave(world),
            6..10 => self.answer_wrongly(connection),
            _ => self.answer(world, connection),
        }
        None
    }

    /// Looks later by itself: the driver need not signal.
    fn ask_for_no_signal(&self, world: &'static World, connection: &mut Connection) {
        connection.ring.set_request_event(self.random.next() as u32);
        world.events.fire_at(LOOK, world.events.clock().now() + Duration::from_millis(1));
    }

    fn catch(&self) {
        self.mood.set(Mood::Caught);
        self.cheated.set(self.cheated.get() + 1);
    }

    /// One of the requests that are owed, in no order.
    fn pick(&self) -> Request {
        let mut owed = self.owed.borrow_mut();
        let at = self.random.below(owed.len() as u64) as usize;
        owed.swap_remove(at)
    }

    fn answer(&self, world: &'static World, connection: &mut Connection) {
        let request = self.pick();
        let response = connection.perform(world.disk, &request);
        // Both are ways to name an indirect request.
        let operation = if self.random.one_in(2) { response.operation } else { request.operation };
        connection.ring.put(Response::new(response.id, operation, response.status));
    }

    /// Any status, of what was never done.
    fn answer_wrongly(&self, connection: &mut Connection) {
        let request = self.pick();
        let status = [0, -1, -2, self.random.next() as i16][self.random.below(4) as usize];
        connection.ring.put(Response::new(request.id, right(&request), status));
        self.lied.set(true);
    }

    /// An answer to what was not asked, as something else, or twice.
    fn cheat(&self, connection: &mut Connection) {
        let request = self.pick();
        let response = match self.random.below(3) {
            0 => Response::new(request.id, self.wrong(&request), 0),
            1 => Response::new(self.unknown(&request), right(&request), 0),
            _ => {
                let response = Response::new(request.id, right(&request), -1);
                connection.ring.put(response);
                response
            }
        };
        connection.ring.put(response);
        self.lied.set(true);
        self.catch();
    }

    /// An operation that a request is not.
    fn wrong(&self, request: &Request) -> u8 {
        let operations = (self.random.next() as u8..=u8::MAX).chain(0..);
        operations.into_iter().find(|operation| ![6, right(request)].contains(operation)).unwrap()
    }

    /// An id that no request has, near those that one has.
    fn unknown(&self, request: &Request) -> u64 {
        loop {
            let id = match self.random.below(4) {
                0 => request.id | 1 << (16 + self.random.below(48)),
                1 => self.random.below(34),
                2 => self.random.next(),
                _ => request.id.wrapping_sub(32),
            };
            if id != request.id && self.owed.borrow().iter().all(|owed| owed.id != id) {
                return id;
            }
        }
    }

    /// An index that cannot be: beyond all requests, or back.
    fn jump(&self, connection: &mut Connection) -> u32 {
        self.catch();
        connection.ring.request_index().wrapping_add(1 + self.random.below(u64::from(u32::MAX - 64)) as u32)
    }

    /// Junk in entries of the ring that hold nothing, or answers that nobody is told of.
    fn litter(&self, connection: &mut Connection) {
        let place = connection.ring.request_index().wrapping_add(self.random.below(8) as u32);
        let (id, operation, status) =
            (self.random.next(), self.random.next() as u8, self.random.next() as i16);
        if self.owed.borrow().is_empty() {
            connection.ring.set_response(place, Response::new(id, operation, status));
        }
    }

    /// Data that change before, while and after they are answered for.
    fn write_behind_the_drivers_back(&self, connection: &mut Connection) {
        let owed = self.owed.borrow();
        let Some(request) = owed.first() else { return };
        let bytes: Vec<u8> = (0..512).map(|_| self.random.next() as u8).collect();
        for (reference, ..) in connection.segments(request) {
            connection.page(reference).write(self.random.below(7) as usize * 512, &bytes);
        }
        self.lied.set(true);
    }

    /// Goes away as though it was restarted, or taken away.
    fn leave(&self, world: &'static World) {
        self.mood.set(Mood::Leaving);
        world.back("state", ["5", "6", "2", "1", "9", ""][self.random.below(6) as usize]);
    }

    /// Comes again, after it was left or left by itself.
    fn come(&self, world: &'static World) {
        world.disconnect();
        world.describe();
        if self.random.one_in(16) {
            let key =
                ["sectors", "sector-size", "info", "feature-flush-cache"][self.random.below(4) as usize];
            let value =
                ["", "x", "-1", "3", "4096", "99999999999999999999", "1\n"][self.random.below(7) as usize];
            world.back(key, value);
        }
        world.back(
            "feature-max-indirect-segments",
            &[0_u64, 11, 32, 256, 4_000_000_000][self.random.below(5) as usize].to_string(),
        );
        world.back("state", "2");
    }
}

/// What an honest backend says of the operation.
fn right(request: &Request) -> u8 {
    if request.operation == 6 { request.second } else { request.operation }
}

/// Asks something of the disk, and judges the answer. Says whether `expected` is what is on the disk now.
fn ask<D: BlockDevice>(disk: D, backend: &Backend, expected: &mut [u8], buffer: &mut [u8]) -> bool {
    let random = &backend.random;
    let blocks = (expected.len() / 512) as u64;
    let most = if random.one_in(8) { 400 } else { 12 };
    let first = random.below(blocks);
    let count = 1 + random.below(most.min(blocks - first)) as usize;
    let range = first as usize * 512..(first as usize + count) * 512;
    backend.lied.set(false);
    let (result, is_write) = match random.below(5) {
        0 => (disk.flush(), false),
        1 | 2 => {
            buffer[..count * 512].fill(random.next() as u8);
            (disk.write(first, &buffer[..count * 512]), true)
        }
        _ => {
            let result = disk.read(first, &mut buffer[..count * 512]);
            if result.is_ok() && !backend.lied.get() {
                assert!(buffer[..count * 512] == expected[range.clone()], "an honest answer was changed");
            }
            (result, false)
        }
    };
    assert!(
        matches!(result, Ok(()) | Err(BlockError::Failed | BlockError::Gone)),
        "an answer of the disk that no backend can cause: {result:?}"
    );
    if is_write {
        expected[range].copy_from_slice(&buffer[..count * 512]);
    }
    result.is_ok() && !backend.lied.get()
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect(name))
}

#[test]
fn a_backend_that_does_what_it_likes_gets_nothing_but_left() {
    let (cases, seed) = (setting("BLKFRONT_CASES", 1_000_000), setting("BLKFRONT_SEED", 1));
    eprintln!("{cases} cases, BLKFRONT_SEED={seed}");
    let world = World::new(Disk::new(512, pattern(1 << 20)));
    let backend = Backend::new(seed);
    let (disk, scheduler) = world.start(Config { patience_seconds: 100, ..config() }).unwrap();
    let acting = Rc::clone(&backend);
    world.hostile.replace(Some(Rc::new(move |world| acting.signalled(world))));
    let looking = Rc::clone(&backend);
    world.events.subscribe(LOOK, Box::new(move || looking.signalled(world))).unwrap();
    come_whenever_it_is_gone(world, &backend);
    let mut buffer = vec![0; 1 << 20];
    while backend.cases.get() < cases {
        // What a lie has left on the disk is taken from there.
        let mut expected = world.disk.contents();
        while ask(disk, &backend, &mut expected, &mut buffer) && backend.cases.get() < cases {}
        assert!(world.grants.count() <= 2 * 129 + 2, "{} grants: pages are lost", world.grants.count());
    }
    // All ends well where the backend does.
    world.hostile.take();
    world.back("state", "5");
    scheduler.sleep_until(world.events.clock().now() + Duration::from_secs(60));
    assert_eq!(disk.read(0, &mut buffer), Ok(()));
    assert!(buffer == world.disk.contents());
    assert_eq!(world.front_state(), State::Connected);
    assert!(backend.cheated.get() > cases / 100, "the driver was cheated {} times", backend.cheated.get());
}

/// Has the backend come again some time after it is gone.
fn come_whenever_it_is_gone(world: &'static World, backend: &Rc<Backend>) {
    let backend = Rc::clone(backend);
    let closed = move |_: &str| {
        if world.front_state() == State::Closed {
            backend.come(world);
        }
    };
    iface_xenstore::Xenstore::watch(&world.store, &format!("{}/state", common::FRONT), Box::new(closed))
        .unwrap();
}
