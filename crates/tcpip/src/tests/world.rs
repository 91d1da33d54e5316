//! Time, threads and wires that a test holds in its hand.

use std::boxed::Box;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::vec::Vec;

use iface_clock::{Clock, Duration, Instant, fake::FakeClock};
use iface_entropy::{Entropy, EntropyError};
use iface_events::{Events, fake::FakeEvents};
use iface_net_device::NetDevice;
use iface_net_device::fake::{FakeDevice, WireConfig, WireHandle, wire};
use iface_platform::CommandLine;
use iface_scheduler::{Scheduler, SpawnError, ThreadId, Wakeup};

use crate::Config;
use crate::settings::Settings;
use crate::stack::{Handle, Stack};

/// Memory of the image, in bytes: so little that every connection has the least.
const MEMORY: usize = 1 << 20;

type Tender = Box<dyn Fn() -> Option<Instant>>;

/// One test thread; the stacks' own threads take a step whenever it waits.
pub struct World {
    pub events: &'static FakeEvents,
    unparked: RefCell<BTreeSet<ThreadId>>,
    tenders: RefCell<Vec<Rc<Tender>>>,
}

pub type TestHandle = Handle<FakeDevice, &'static FakeClock, &'static World>;
pub type TestStack = Stack<FakeDevice, &'static FakeClock, &'static World>;

/// The same numbers in each run.
#[derive(Clone, Copy)]
pub struct Seed(pub u8);

impl Entropy for Seed {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        buffer.fill(self.0);
        Ok(())
    }
}

impl World {
    pub fn new() -> &'static Self {
        let events = FakeEvents::new(Box::leak(Box::default()));
        Box::leak(Box::new(Self { events, unparked: RefCell::default(), tenders: RefCell::default() }))
    }

    pub fn now(&self) -> Instant {
        self.events.clock().now()
    }

    /// A stack on `device`, driven as in an image.
    pub fn stack(&'static self, config: &Config, line: &str, device: FakeDevice) -> &'static TestStack {
        let settings = Settings::new(config, CommandLine::new(line)).expect("settings of a test");
        let source = device.source();
        let seed = Seed(device.mac_address()[5]);
        let clock = self.events.clock();
        let engine = crate::engine(config, &settings, device, seed, clock, MEMORY).expect("a stack");
        let stack: &'static TestStack = Box::leak(Box::new(Stack::new(engine, clock, self)));
        self.events.subscribe(source, Box::new(|| stack.on_event())).expect("fake events");
        self.tenders.borrow_mut().push(Rc::new(Box::new(|| stack.tend())));
        stack.set_tender(ThreadId(self.tenders.borrow().len() as u64));
        stack
    }

    /// Has `act` called whenever the stacks' threads have a turn: what somebody else in the network does.
    pub fn join(&self, act: impl Fn() + 'static) {
        let tender = move || {
            act();
            None
        };
        self.tenders.borrow_mut().push(Rc::new(Box::new(tender)));
    }

    /// Two stacks at the ends of a wire: 10.0.0.1 and 10.0.0.2.
    pub fn pair(&'static self, config: &Config, quality: WireConfig) -> (TestHandle, TestHandle, WireHandle) {
        let (left, right) = wire(self.events, quality);
        let hand = left.wire();
        let left = self.stack(config, "ip=10.0.0.1/24 ip=fd00::1/64", left);
        let right = self.stack(config, "ip=10.0.0.2/24 ip=fd00::2/64", right);
        (Handle(left), Handle(right), hand)
    }

    /// The stacks' threads do what there is to do, until nobody has anything. Says when somebody will have.
    fn settle(&self) -> Option<Instant> {
        loop {
            let tenders = self.tenders.borrow().clone();
            let next = tenders.iter().filter_map(|tend| tend()).min();
            if !self.events.poll() {
                return next;
            }
        }
    }

    /// Lets a millisecond pass, or what is left to the next event.
    pub fn step(&self) {
        self.go(Duration::from_millis(1));
    }

    /// Goes to the next event, or a tenth of a second on.
    pub fn leap(&self) {
        self.go(Duration::from_millis(100));
    }

    fn go(&self, at_most: Duration) {
        let end = self.now() + at_most;
        let next = self.settle();
        self.events.wait(Some(next.map_or(end, |next| next.min(end)).max(self.now())));
        self.settle();
    }

    /// Lets time pass.
    pub fn run_for(&self, time: Duration) {
        let end = self.now() + time;
        while self.now() < end {
            let next = self.settle();
            self.events.wait(Some(next.map_or(end, |next| next.min(end))));
        }
        self.settle();
    }
}

impl Scheduler for &'static World {
    fn spawn(&self, _: &'static str, _: Box<dyn FnOnce()>) -> Result<ThreadId, SpawnError> {
        Ok(ThreadId(1000))
    }

    fn spawn_on(
        &self,
        name: &'static str,
        _: iface_scheduler::Stack,
        body: Box<dyn FnOnce()>,
    ) -> Result<ThreadId, SpawnError> {
        self.spawn(name, body)
    }

    fn exit(&self) -> ! {
        unreachable!("the stack's threads never end")
    }

    fn set_own(&self, _: usize, _: fn(usize)) {
        unreachable!("the stack's threads have no values of their own")
    }

    fn current(&self) -> ThreadId {
        ThreadId(0)
    }

    fn yield_now(&self) {
        self.events.poll();
    }

    fn park(&self, deadline: Option<Instant>) -> Wakeup {
        loop {
            let next = self.settle();
            if self.unparked.borrow_mut().remove(&self.current()) {
                return Wakeup::Unparked;
            }
            if deadline.is_some_and(|deadline| deadline <= self.now()) {
                return Wakeup::TimedOut;
            }
            self.events.wait(match (next, deadline) {
                (Some(next), Some(deadline)) => Some(next.min(deadline)),
                (one, other) => one.or(other),
            });
        }
    }

    fn unpark(&self, thread: ThreadId) {
        self.unparked.borrow_mut().insert(thread);
    }

    fn sleep_until(&self, deadline: Instant) {
        self.run_for(deadline.since(self.now()));
    }
}
