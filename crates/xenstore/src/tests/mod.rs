//! The room on a page in memory, with a store's daemon at its other end.

mod control;
mod daemon;
mod hostile;
mod ordinary;
mod shared;

use std::boxed::Box;

use iface_clock::{Clock, Instant, fake::FakeClock};
use iface_events::{Events, Source, fake::FakeEvents};
use iface_scheduler::fake::FakeScheduler;
use iface_shutdown::Shutdown;
use iface_xenstore::Xenstore;
use xen_fake::{FakeChannels, FakeStore};

use crate::{Config, Needs, Provides, init};

use daemon::Daemon;
use shared::{PORT, Shared};

type Scheduler = &'static FakeScheduler<&'static FakeEvents, &'static FakeClock>;

/// A domain, and the host's side of its store.
struct World<X, H> {
    /// As the domain sees it.
    store: X,
    shutdown: H,
    /// As the host does.
    host: &'static FakeStore,
    events: &'static FakeEvents,
    channels: &'static FakeChannels,
    scheduler: Scheduler,
    shared: &'static Shared,
    daemon: &'static Daemon,
}

/// A domain whose daemon moves `chunk` bytes at a time.
fn world(answer_shutdown: bool, chunk: usize) -> World<impl Xenstore, impl Shutdown> {
    let events = FakeEvents::new(Box::leak(Box::default()));
    let channels = FakeChannels::new(events);
    let scheduler = FakeScheduler::new(events, events.clock());
    let shared = Shared::new();
    let config = Box::leak(Box::new(Config { answer_shutdown }));
    let needs = Needs { event_channels: channels, events, hypervisor: shared, scheduler };
    let Provides { shutdown, xenstore: store } = init(config, needs).unwrap();
    let daemon = Daemon::start(shared, events, channels, chunk);
    World { store, shutdown, host: daemon.store, events, channels, scheduler, shared, daemon }
}

impl<X, H> World<X, H> {
    /// Has something happen `ms` milliseconds from the start.
    fn at(&self, ms: u64, action: impl Fn() + 'static) {
        let source = Source(100_000 + u32::try_from(ms).unwrap());
        self.events.subscribe(source, Box::new(action)).unwrap();
        self.events.fire_at(source, at(ms));
    }

    fn now(&self) -> Instant {
        self.events.clock().now()
    }
}

fn at(ms: u64) -> Instant {
    Instant::START + core::time::Duration::from_millis(ms)
}
