//! A host with one network card for domain 7.

use std::boxed::Box;
use std::cell::RefCell;
use std::format;
use std::string::String;
use std::time::Duration;

use iface_clock::{Instant, fake::FakeClock};
use iface_events::{Events, Source, fake::FakeEvents};
use iface_grant_table::DomainId;
use iface_scheduler::fake::FakeScheduler;
use iface_xenstore::Xenstore;
use xen_fake::{FakeChannels, FakeGrantTable, FakeStore};
use xenbus::State;

use super::netback::Netback;
use crate::keeper::Keeper;
use crate::{Card, Config, InitError, Needs};

pub(super) type Grants = &'static FakeGrantTable;
pub(super) type Channels = &'static FakeChannels;
pub(super) type Scheduler = &'static FakeScheduler<&'static FakeEvents, &'static FakeClock>;
pub(super) type TestKeeper = Keeper<&'static FakeStore, Scheduler, &'static FakeClock, Grants, Channels>;

/// The backend's directory in the store.
pub(super) const BACKEND: &str = "/local/domain/0/backend/vif/7/0";
/// The address that the host gives the card.
pub(super) const ADDRESS: [u8; 6] = [0, 0x16, 0x3e, 0, 0, 1];

pub(super) static CONFIG: Config =
    Config { receive_buffers: 20, transmit_buffers: 8, large_receive: true, required: true, timeout_s: 10 };

/// All that a domain sees of Xen, and the backend of its card.
#[derive(Clone, Copy)]
pub(super) struct Host {
    pub(super) events: &'static FakeEvents,
    pub(super) store: &'static FakeStore,
    pub(super) grants: Grants,
    pub(super) channels: Channels,
    pub(super) scheduler: Scheduler,
    /// There while it is connected.
    pub(super) backend: &'static RefCell<Option<Netback>>,
    sources: &'static RefCell<u32>,
}

impl Host {
    /// A host without a card.
    pub(super) fn new() -> Self {
        let events = FakeEvents::new(Box::leak(Box::default()));
        let host = Self {
            events,
            store: FakeStore::with_events(DomainId(7), events, Source(0)),
            grants: FakeGrantTable::new(),
            channels: FakeChannels::new(events),
            scheduler: FakeScheduler::new(events, events.clock()),
            backend: Box::leak(Box::default()),
            sources: Box::leak(Box::new(RefCell::new(1))),
        };
        host.store.set("domid", "7");
        host
    }

    /// A host with a card whose backend waits, and does as that of Linux.
    pub(super) fn with_card() -> Self {
        let host = Self::new();
        host.attach();
        host.follow();
        host
    }

    /// Writes what a toolstack and a fresh backend write for a card.
    pub(super) fn attach(self) {
        let state = State::InitWait.digit();
        for (key, value) in [("state", state), ("online", "1"), ("feature-ipv6-csum-offload", "1")] {
            self.set_backend(key, value);
        }
        let card = [("mac", "00:16:3e:00:00:01"), ("state", "1"), ("backend-id", "0"), ("backend", BACKEND)];
        for (key, value) in card {
            self.store.set(&format!("device/vif/0/{key}"), value);
        }
    }

    /// Removes what `attach` wrote.
    pub(super) fn detached(self) {
        self.store.delete("device/vif/0");
        self.store.delete(BACKEND);
    }

    /// Has the backend follow the frontend's states as that of Linux does.
    pub(super) fn follow(self) {
        let react = move |_: &str| {
            let (front, back) = (self.state("device/vif/0/state"), self.state(&format!("{BACKEND}/state")));
            let next = match (front, back) {
                (State::Initialising, State::Initialising | State::Closed) => State::InitWait,
                (State::Connected, State::InitWait) => State::Connected,
                (State::Closing, State::Connected) => State::Closing,
                (State::Closed, State::Connected | State::Closing) => State::Closed,
                _ => return,
            };
            if next == State::Connected {
                self.backend.replace(Some(Netback::new(self)));
            } else {
                self.backend.take();
            }
            self.set_backend("state", next.digit());
        };
        self.store.watch("device/vif/0/state", Box::new(react)).unwrap();
    }

    fn state(self, path: &str) -> State {
        self.store.get(path).map_or(State::Unknown, |value| State::parse(&value))
    }

    /// Writes a key of the backend.
    pub(super) fn set_backend(self, key: &str, value: &str) {
        self.store.set(&format!("{BACKEND}/{key}"), value);
    }

    /// A key of the card's own directory.
    pub(super) fn key(self, key: &str) -> Option<String> {
        self.store.get(&format!("device/vif/0/{key}"))
    }

    /// A key of the card's own directory that is a number.
    pub(super) fn number(self, key: &str) -> Option<u32> {
        self.key(key).map(|value| value.parse().unwrap())
    }

    /// What the room is given.
    pub(super) fn needs(self) -> Needs<&'static FakeClock, Channels, Grants, Scheduler, &'static FakeStore> {
        Needs {
            clock: self.events.clock(),
            event_channels: self.channels,
            grant_table: self.grants,
            scheduler: self.scheduler,
            xenstore: self.store,
        }
    }

    /// Starts the room. Its thread does not run, as nobody gives way to it.
    pub(super) fn init(self, config: &'static Config) -> Result<Card<Grants, Channels>, InitError> {
        crate::init(config, self.needs()).map(|provides| provides.net_device)
    }

    /// A keeper that the test runs itself, and its card.
    pub(super) fn keeper(self, config: &Config) -> (TestKeeper, Card<Grants, Channels>) {
        let device = xenbus::devices(&self.store, crate::VIF).unwrap().into_iter().next();
        let keeper = crate::keeper(config, self.needs(), device).unwrap();
        let card = Card::new(keeper.nic);
        (keeper, card)
    }

    /// The backend, which is connected.
    pub(super) fn with<T>(self, access: impl FnOnce(&mut Netback) -> T) -> T {
        access(self.backend.borrow_mut().as_mut().expect("the backend is connected"))
    }

    /// Has something happen `ms` milliseconds from now.
    pub(super) fn after(self, ms: u64, action: impl Fn() + 'static) {
        let number = self.sources.replace_with(|number| *number + 1);
        self.events.subscribe(Source(number), Box::new(action)).unwrap();
        self.events.fire_at(Source(number), self.now() + Duration::from_millis(ms));
    }

    /// Now.
    pub(super) fn now(self) -> Instant {
        use iface_clock::Clock;
        self.events.clock().now()
    }

    /// What the domain told the host's administrator last.
    pub(super) fn reported(self) -> Option<String> {
        self.store.get("error/device/vif/0/error")
    }
}
