//! A host with one disk, its backend, and the driver under the scheduler that it has in an image.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use blkfront::{Config, InitError, Needs, init};
use host_threads::{HostStacks, HostThreads};
use iface_block_device::{BlockDevice, BlockError, fake::Disk};
use iface_clock::{Clock, fake::FakeClock};
use iface_event_channels::{DomainId, Port};
use iface_events::{Events, Source, fake::FakeEvents};
use iface_grant_table::Reference;
use iface_scheduler::Scheduler;
use iface_xenstore::Xenstore;
use xen_fake::{BackRing, FakeChannels, FakeGrantTable, FakeStore, Mapping};
use xenbus::State;
use zerocopy::{FromBytes, Immutable, IntoBytes};

pub const DOM0: DomainId = DomainId(0);
pub const FRONT: &str = "device/vbd/51712";
pub const BACK: &str = "/local/domain/0/backend/vbd/7/51712";
const STORE: Source = Source(0);
const WORK: Source = Source(1);

/// `blkif_request`, as bytes in its order.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub struct Request {
    pub operation: u8,
    pub second: u8,
    pub third: u16,
    padding: u32,
    pub id: u64,
    pub sector: u64,
    rest: [u32; 22],
}

/// `blkif_response`.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub struct Response {
    pub id: u64,
    pub operation: u8,
    padding: u8,
    pub status: i16,
    end: u32,
}

impl Response {
    pub fn new(id: u64, operation: u8, status: i16) -> Self {
        Self { id, operation, padding: 0, status, end: 0 }
    }
}

/// What a backend remembers of a connected frontend: it keeps mapped what it was granted.
pub struct Connection {
    pub ring: BackRing<Request, Response>,
    pub port: Port,
    pages: BTreeMap<u32, Mapping>,
    table: &'static FakeGrantTable,
}

impl Connection {
    pub fn page(&mut self, reference: u32) -> &Mapping {
        let table = self.table;
        self.pages.entry(reference).or_insert_with(|| table.map(DOM0, Reference(reference)))
    }

    /// The segments of a request: reference, first and last sector.
    pub fn segments(&mut self, request: &Request) -> Vec<(u32, u8, u8)> {
        let pair = |reference: u32, sectors: u32| {
            let [first, last, ..] = sectors.to_ne_bytes();
            (reference, first, last)
        };
        if request.operation != 6 {
            assert!(request.second <= 11, "{request:?}");
            let words = request.rest.chunks_exact(2).take(request.second.into());
            return words.map(|words| pair(words[0], words[1])).collect();
        }
        assert!(request.third <= 512, "{request:?}");
        let mut bytes = vec![0; usize::from(request.third) * 8];
        self.page(request.rest[1]).read(0, &mut bytes);
        let word = |bytes: &[u8]| u32::from_ne_bytes(bytes.try_into().unwrap());
        bytes.chunks_exact(8).map(|bytes| pair(word(&bytes[..4]), word(&bytes[4..]))).collect()
    }

    /// Does a request as it is asked, and returns what is answered.
    pub fn perform(&mut self, disk: &'static Disk, request: &Request) -> Response {
        let operation = if request.operation == 6 { request.second } else { request.operation };
        let result = match operation {
            2 | 3 => disk.flush(),
            _ => self.transfer(disk, request, operation),
        };
        let status = match result {
            Ok(()) => 0,
            Err(BlockError::Unsupported) => -2,
            Err(_) => -1,
        };
        Response::new(request.id, operation, status)
    }

    fn transfer(&mut self, disk: &'static Disk, request: &Request, operation: u8) -> Result<(), BlockError> {
        let segments = self.segments(request);
        assert!(!segments.is_empty() && segments.iter().all(|(_, first, last)| first <= last && *last < 8));
        let bytes: usize = segments.iter().map(|(_, first, last)| usize::from(last - first + 1) * 512).sum();
        let mut data = vec![0; bytes];
        let first = request.sector * 512 / disk.block_size() as u64;
        assert_eq!(request.sector * 512 % disk.block_size() as u64, 0, "{request:?}");
        if operation == 0 {
            disk.read(first, &mut data)?;
        }
        let mut rest = data.as_mut_slice();
        for (reference, first, last) in segments {
            let (piece, others) = rest.split_at_mut(usize::from(last - first + 1) * 512);
            let page = self.page(reference);
            match operation {
                0 => page.write(usize::from(first) * 512, piece),
                _ => page.read(usize::from(first) * 512, piece),
            }
            rest = others;
        }
        if operation == 1 { disk.write(first, &data) } else { Ok(()) }
    }
}

/// How an honest backend works.
pub struct Manners {
    /// How long a request takes; requests then are answered last one first.
    pub latency: Cell<Duration>,
    /// Whether requests are taken and not answered.
    pub holds: Cell<bool>,
    /// Whether it does what the frontend's states ask for.
    pub follows: Cell<bool>,
}

/// What is called when the frontend signals.
pub type Signalled = Rc<dyn Fn(&'static World)>;

/// The host.
pub struct World {
    pub events: &'static FakeEvents,
    pub store: &'static FakeStore,
    pub channels: &'static FakeChannels,
    pub grants: &'static FakeGrantTable,
    pub disk: &'static Disk,
    pub connection: RefCell<Option<Connection>>,
    pub manners: Manners,
    queue: RefCell<VecDeque<Request>>,
    /// Bytes that each request asked for, 0 for a flush.
    pub asked: RefCell<Vec<usize>>,
    /// Most requests that were under way at once.
    pub deepest: Cell<usize>,
    sources: Cell<u32>,
    /// Called for the signals of the frontend, in place of an honest backend.
    pub hostile: RefCell<Option<Signalled>>,
}

impl World {
    /// A host with a disk and a backend that waits for the frontend.
    pub fn new(disk: &'static Disk) -> &'static Self {
        let events = FakeEvents::new(Box::leak(Box::default()));
        let store = FakeStore::with_events(DomainId(7), events, STORE);
        let world: &'static Self = Box::leak(Box::new(Self {
            events,
            store,
            channels: FakeChannels::new(events),
            grants: FakeGrantTable::new(),
            disk,
            connection: RefCell::default(),
            manners: Manners { latency: Cell::default(), holds: Cell::default(), follows: Cell::new(true) },
            queue: RefCell::default(),
            asked: RefCell::default(),
            deepest: Cell::default(),
            sources: Cell::new(10),
            hostile: RefCell::default(),
        }));
        world.attach();
        Xenstore::watch(&store, &format!("{FRONT}/state"), Box::new(|_| world.follow())).unwrap();
        events.subscribe(WORK, Box::new(|| world.answer())).unwrap();
        world
    }

    /// Writes what a toolstack and a backend write for a disk.
    pub fn attach(&self) {
        self.back("online", "1");
        self.back("state", "2");
        self.store.set(&format!("{FRONT}/state"), "1");
        self.store.set(&format!("{FRONT}/backend-id"), "0");
        self.store.set(&format!("{FRONT}/device-type"), "disk");
        self.store.set(&format!("{FRONT}/backend"), BACK);
        self.describe();
    }

    /// What the backend says of the disk.
    pub fn describe(&self) {
        self.back("sector-size", &self.disk.block_size().to_string());
        let sectors = self.disk.blocks() * self.disk.block_size() as u64 / 512;
        self.back("sectors", &sectors.to_string());
        self.back("info", if self.disk.is_read_only() { "4" } else { "0" });
        self.back("feature-flush-cache", "1");
        self.back("feature-persistent", "1");
    }

    pub fn back(&self, key: &str, value: &str) {
        self.store.set(&format!("{BACK}/{key}"), value);
    }

    pub fn front_state(&self) -> State {
        self.store.get(&format!("{FRONT}/state")).map_or(State::Unknown, |value| State::parse(&value))
    }

    pub fn back_state(&self) -> State {
        self.store.get(&format!("{BACK}/state")).map_or(State::Unknown, |value| State::parse(&value))
    }

    /// Does as Linux's backend of disks does.
    fn follow(&'static self) {
        if !self.manners.follows.get() {
            return;
        }
        let next = match (self.front_state(), self.back_state()) {
            (State::Initialising, State::Initialising | State::Closed) => State::InitWait,
            (State::Initialised, State::InitWait) => {
                self.connect();
                State::Connected
            }
            (State::Closing, State::Connected | State::InitWait) => State::Closing,
            (State::Closed, State::Connected | State::Closing) => {
                self.disconnect();
                State::Closed
            }
            _ => return,
        };
        self.back("state", next.digit());
    }

    /// Maps the ring that the frontend published.
    fn connect(&'static self) {
        let number = |key: &str| -> u32 {
            self.store.get(&format!("{FRONT}/{key}")).expect(key).parse().expect("a number")
        };
        assert_eq!(self.store.get(&format!("{FRONT}/protocol")).as_deref(), Some("x86_64-abi"));
        let ring = BackRing::map(self.grants, DOM0, Reference(number("ring-ref")));
        let port = Port(number("event-channel"));
        assert_eq!(self.channels.remote(port), Some(DOM0));
        self.channels.on_signal(port, move || self.signalled());
        let connection = Connection { ring, port, pages: BTreeMap::new(), table: self.grants };
        let before = self.connection.replace(Some(connection));
        assert!(before.is_none() || self.hostile.borrow().is_some(), "the frontend was connected already");
    }

    /// Lets go of everything.
    pub fn disconnect(&self) {
        self.connection.take();
        self.queue.take();
    }

    fn signalled(&'static self) {
        let hostile = self.hostile.borrow().clone();
        match hostile {
            Some(hostile) => hostile(self),
            None => self.take(),
        }
    }

    /// Takes what the frontend asks for.
    pub fn take(&'static self) {
        {
            let mut connection = self.connection.borrow_mut();
            let Some(connection) = connection.as_mut() else { return };
            loop {
                while let Some(request) = connection.ring.take() {
                    let bytes = connection.segments(&request);
                    let bytes = bytes.iter().map(|(_, first, last)| usize::from(last - first + 1) * 512);
                    self.asked.borrow_mut().push(bytes.sum());
                    self.queue.borrow_mut().push_back(request);
                }
                if connection.ring.arm() {
                    break;
                }
            }
        }
        self.deepest.set(self.deepest.get().max(self.queue.borrow().len()));
        if !self.manners.holds.get() {
            self.events.fire_at(WORK, self.events.clock().now() + self.manners.latency.get());
        }
    }

    /// Answers what was taken.
    pub fn answer(&self) {
        let mut connection = self.connection.borrow_mut();
        let Some(connection) = connection.as_mut() else { return };
        while let Some(request) = self.queue.borrow_mut().pop_back() {
            let response = connection.perform(self.disk, &request);
            connection.ring.put(response);
        }
        if connection.ring.publish() {
            self.channels.notify(connection.port);
        }
    }

    /// Has something happen `ms` milliseconds from now.
    pub fn after(&'static self, ms: u64, action: impl Fn(&'static Self) + 'static) {
        let source = Source(self.sources.get());
        self.sources.set(source.0 + 1);
        self.events.subscribe(source, Box::new(move || action(self))).unwrap();
        self.events.fire_at(source, self.events.clock().now() + Duration::from_millis(ms));
    }

    pub fn ms(&self) -> u64 {
        self.events.clock().now().as_nanos() / 1_000_000
    }

    /// Threads as those of an image.
    pub fn scheduler(&self) -> impl Scheduler {
        let clock: &'static FakeClock = self.events.clock();
        let needs = sched_coop::Needs { arch: HostThreads, clock, events: self.events, memory: HostStacks };
        sched_coop::init(&sched_coop::Config { stack_kib: 16 }, needs).unwrap().scheduler
    }

    /// The driver, and the threads that it has.
    pub fn start(&'static self, config: Config) -> Result<(impl BlockDevice, impl Scheduler), InitError> {
        let scheduler = self.scheduler();
        let needs = Needs {
            clock: self.events.clock(),
            event_channels: self.channels,
            events: self.events,
            grant_table: self.grants,
            scheduler,
            xenstore: self.store,
        };
        Ok((init(Box::leak(Box::new(config)), needs)?.block_device, scheduler))
    }
}

pub fn config() -> Config {
    Config { device: None, buffer_kib: 512, patience_seconds: 30, protocol: "x86_64-abi" }
}

/// Bytes that differ from block to block.
pub fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|index| (index / 512 * 7 + index) as u8).collect()
}

/// Runs `threads` bodies at once, to their ends.
pub fn together<S: Scheduler>(scheduler: S, threads: usize, body: impl Fn(usize) + Clone + 'static) {
    let left = Rc::new(Cell::new(threads));
    let waiter = scheduler.current();
    for number in 0..threads {
        let (left, body) = (Rc::clone(&left), body.clone());
        let body = Box::new(move || {
            body(number);
            left.set(left.get() - 1);
            scheduler.unpark(waiter);
        });
        scheduler.spawn("test", body).unwrap();
    }
    while left.get() != 0 {
        scheduler.park(None);
    }
}
