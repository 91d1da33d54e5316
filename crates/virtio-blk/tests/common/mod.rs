//! A machine with one disk, its device, and the driver under the scheduler that it has in an image.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    time::Duration,
};

use host_threads::{HostStacks, HostThreads};
use iface_block_device::{BlockDevice, BlockError, fake::Disk};
use iface_clock::{Clock, Instant};
use iface_events::{Events, Handler, Source, SubscribeError, fake::FakeEvents};
use iface_scheduler::Scheduler;
use iface_virtio_bus::DeviceType;
use virtio_blk::{Config, InitError, Needs, init};
use virtio_drivers::transport::InterruptStatus;
use virtio_fake::{Available, DeviceQueue, FakeBus, FakeTransport, Registers};
use virtio_ring::{EVENT_IDX, VERSION_1};

pub const SIZE_MAX: u64 = 1 << 1;
pub const READ_ONLY: u64 = 1 << 5;
pub const BLOCK_SIZE: u64 = 1 << 6;
pub const FLUSH: u64 = 1 << 9;

pub const OKAY: u8 = 0;
pub const FAILED: u8 = 1;
pub const UNSUPPORTED: u8 = 2;

/// Fires when an honest device is done.
const WORK: Source = Source(1);

/// A request that the device took.
#[derive(Clone, Debug)]
pub struct Request {
    pub operation: u32,
    pub sector: u64,
    pub head: u16,
    pub data: Option<Available>,
    pub status: Available,
}

impl Request {
    /// Reads a chain as it has to be (section 5.2.6).
    fn parse(queue: &DeviceQueue, head: Available) -> Self {
        let chain = queue.chain(head);
        let header = queue.read(&chain[0]);
        assert!(!chain[0].writable && header.len() == 16 && header[4..8] == [0; 4], "{header:?}");
        let operation = u32::from_le_bytes(header[..4].try_into().unwrap());
        let (data, status) = match chain[1..] {
            [status] => (None, status),
            [data, status] => (Some(data), status),
            _ => panic!("a chain of {} buffers", chain.len()),
        };
        assert!(status.writable && status.length == 1);
        assert_eq!(operation == 4, data.is_none());
        assert!(data.is_none_or(|data| data.writable == (operation == 0)));
        let sector = u64::from_le_bytes(header[8..].try_into().unwrap());
        Self { operation, sector, head: head.id, data, status }
    }

    pub fn length(&self) -> usize {
        self.data.map_or(0, |data| data.length as usize)
    }
}

/// What is called in place of an honest device.
pub type Hostile = Rc<dyn Fn(&'static World)>;

/// The machine.
pub struct World {
    pub events: &'static FakeEvents,
    pub registers: Rc<RefCell<Registers>>,
    pub queue: RefCell<DeviceQueue>,
    pub disk: &'static Disk,
    /// How long requests take; they then are answered last one first.
    pub latency: Cell<Duration>,
    pub taken: RefCell<VecDeque<Request>>,
    /// Operation and bytes of all that was asked.
    pub asked: RefCell<Vec<(u32, usize)>>,
    /// Most requests that were under way at once.
    pub deepest: Cell<usize>,
    pub interrupts: Cell<u64>,
    pub hostile: RefCell<Option<Hostile>>,
}

/// Events between which the device looks at its queue.
#[derive(Clone, Copy)]
pub struct WorldEvents(&'static World);

impl Events for WorldEvents {
    fn subscribe(&self, source: Source, handler: Handler) -> Result<(), SubscribeError> {
        self.0.events.subscribe(source, handler)
    }

    fn poll(&self) -> bool {
        self.0.look();
        self.0.events.poll()
    }

    fn wait(&self, deadline: Option<Instant>) {
        self.0.look();
        self.0.events.wait(deadline);
    }
}

impl World {
    /// A machine with a disk of virtio, modern, and with these features beside.
    pub fn new(disk: &'static Disk, features: u64) -> &'static Self {
        let mut config = vec![0; 24];
        let sectors = disk.blocks() * disk.block_size() as u64 / 512;
        config[..8].copy_from_slice(&sectors.to_le_bytes());
        config[20..].copy_from_slice(&(disk.block_size() as u32).to_le_bytes());
        let features = features | VERSION_1 | if disk.is_read_only() { READ_ONLY } else { 0 };
        let registers = Registers::new(DeviceType::Block, features, &config, 1).shared();
        let world: &'static Self = Box::leak(Box::new(Self {
            events: FakeEvents::new(Box::leak(Box::default())),
            queue: RefCell::new(DeviceQueue::new(&registers, 0)),
            registers,
            disk,
            latency: Cell::default(),
            taken: RefCell::default(),
            asked: RefCell::default(),
            deepest: Cell::default(),
            interrupts: Cell::default(),
            hostile: RefCell::default(),
        }));
        world.events.subscribe(WORK, Box::new(|| world.answer())).unwrap();
        world
    }

    /// The ordinary one.
    pub fn ordinary(disk: &'static Disk) -> &'static Self {
        Self::new(disk, FLUSH | BLOCK_SIZE | EVENT_IDX)
    }

    /// Takes what the driver gave.
    pub fn look(&'static self) {
        let hostile = self.hostile.borrow().clone();
        if let Some(hostile) = hostile {
            return hostile(self);
        }
        self.take();
        if !self.taken.borrow().is_empty() {
            self.deepest.set(self.deepest.get().max(self.taken.borrow().len()));
            self.events.fire_at(WORK, self.events.clock().now() + self.latency.get());
        }
    }

    pub fn take(&self) {
        let mut queue = self.queue.borrow_mut();
        if self.registers.borrow().queues[0].size == 0 {
            return;
        }
        while let Some(head) = queue.take_available() {
            let request = Request::parse(&queue, head);
            self.asked.borrow_mut().push((request.operation, request.length()));
            self.taken.borrow_mut().push_back(request);
        }
        let index = queue.available_index();
        queue.set_available_event(index);
    }

    /// Answers what was taken.
    fn answer(&'static self) {
        while let Some(request) = { self.taken.borrow_mut().pop_back() } {
            self.perform(&request);
        }
    }

    /// Does a request as it is asked, and answers it.
    pub fn perform(&self, request: &Request) {
        let mut data = vec![0; request.length()];
        let per_block = self.disk.block_size() as u64 / 512;
        assert_eq!(request.sector % per_block, 0, "{request:?}");
        let first = request.sector / per_block;
        let result = match (request.operation, &request.data) {
            (0, Some(buffer)) => {
                let result = self.disk.read(first, &mut data);
                self.queue.borrow().write(buffer, &data);
                result
            }
            (1, Some(buffer)) => {
                data = self.queue.borrow().read(buffer);
                self.disk.write(first, &data)
            }
            (4, None) => self.disk.flush(),
            _ => panic!("{request:?}"),
        };
        let status = match result {
            Ok(()) => OKAY,
            Err(BlockError::Unsupported) => UNSUPPORTED,
            Err(_) => FAILED,
        };
        let written = if request.operation == 0 { data.len() as u32 + 1 } else { 1 };
        self.put(request, Some(status), written);
    }

    /// Gives a request back.
    pub fn put(&self, request: &Request, status: Option<u8>, length: u32) {
        let mut queue = self.queue.borrow_mut();
        if let Some(status) = status {
            queue.write(&request.status, &[status]);
        }
        let old = queue.used_index();
        queue.put_used(request.head.into(), length);
        let is_due = match self.registers.borrow().driver_features & EVENT_IDX {
            0 => queue.available_flags() == 0,
            _ => queue.interrupt_is_due(old),
        };
        if is_due {
            self.interrupt();
        }
    }

    pub fn interrupt(&self) {
        self.registers.borrow_mut().interrupt = InterruptStatus::QUEUE_INTERRUPT;
        self.interrupts.set(self.interrupts.get() + 1);
        self.events.fire(FakeBus::SOURCE);
    }

    /// Threads as those of an image.
    pub fn scheduler(&'static self) -> impl Scheduler {
        let needs = sched_coop::Needs {
            arch: HostThreads,
            clock: self.events.clock(),
            events: WorldEvents(self),
            memory: HostStacks,
        };
        sched_coop::init(&sched_coop::Config { stack_kib: 16 }, needs).unwrap().scheduler
    }

    /// The driver, with a queue of 16 slots and requests of 16 KiB, and the threads that it has.
    pub fn start(&'static self) -> Result<(impl BlockDevice, impl Scheduler), InitError> {
        let scheduler = self.scheduler();
        let virtio_bus = FakeBus::with(FakeTransport(self.registers.clone()));
        let needs = Needs { events: WorldEvents(self), scheduler, virtio_bus };
        Ok((init(&Config::<16> { request_kib: 16 }, needs)?.block_device, scheduler))
    }
}

/// Bytes that differ from block to block.
pub fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|index| (index / 512 * 7 + index) as u8).collect()
}
