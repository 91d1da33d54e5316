//! The handshake with backends of all manners, played in a store in memory, in made-up time.

use std::cell::Cell;
use std::time::Duration;

use iface_clock::{Clock, Instant, fake::FakeClock};
use iface_events::{Events, Source, fake::FakeEvents};
use iface_scheduler::fake::FakeScheduler;
use iface_xenstore::StoreError;
use proptest::prelude::*;
use xen_fake::{FakeStore, Write};
use xenbus::{Device, DomainId, Error, Frontend, Gone, Kind, Seen, Stage, State, devices};

const VIF: Kind = Kind { name: "vif", hint: "is the bridge there?" };
const PATIENCE: Duration = Duration::from_secs(10);
const BACKEND: &str = "/local/domain/0/backend/vif/7/0";

type Store = &'static FakeStore;
type Front =
    Frontend<Store, &'static FakeScheduler<&'static FakeEvents, &'static FakeClock>, &'static FakeClock>;

/// A host with one network card for domain 7.
#[derive(Clone, Copy)]
struct Host {
    store: Store,
    events: &'static FakeEvents,
    sources: &'static Cell<u32>,
}

impl Host {
    fn new() -> Self {
        let events = FakeEvents::new(Box::leak(Box::default()));
        let store = FakeStore::with_events(DomainId(7), events, Source(0));
        Self { store, events, sources: Box::leak(Box::new(Cell::new(1))) }
    }

    /// Attaches the card with a backend in `state`.
    fn attached(state: &str) -> Self {
        let host = Self::new();
        host.attach(0, state);
        host
    }

    /// Writes what a toolstack writes for a card.
    fn attach(self, domain: u16, state: &str) {
        let backend = format!("/local/domain/{domain}/backend/vif/7/0");
        self.store.set(&format!("{backend}/state"), state);
        self.store.set(&format!("{backend}/online"), "1");
        self.store.set("device/vif/0/state", "1");
        self.store.set("device/vif/0/backend-id", &domain.to_string());
        self.store.set("device/vif/0/backend", &backend);
    }

    fn frontend(self) -> Front {
        let scheduler = FakeScheduler::new(self.events, self.events.clock());
        let device = devices(&self.store, VIF).unwrap()[0];
        Frontend::new(self.store, scheduler, self.events.clock(), device).unwrap()
    }

    fn backend(self, key: &str, value: &str) {
        self.store.set(&format!("{BACKEND}/{key}"), value);
    }

    /// Has something happen `ms` milliseconds from the start.
    fn at(self, ms: u64, action: impl Fn(Self) + 'static) {
        let source = Source(self.sources.get());
        self.sources.set(source.0 + 1);
        self.events.subscribe(source, Box::new(move || action(self))).unwrap();
        self.events.fire_at(source, Instant::START + Duration::from_millis(ms));
    }

    /// A backend in `domain` that does as Linux's for network cards.
    fn linux(self, domain: u16) {
        let state = format!("/local/domain/{domain}/backend/vif/7/0/state");
        let react = move |_: &str| {
            let (Some(front), Some(back)) = (self.store.get("device/vif/0/state"), self.store.get(&state))
            else {
                return;
            };
            let next = match (State::parse(&front), State::parse(&back)) {
                (State::Initialising, State::Initialising | State::Closed) => State::InitWait,
                (State::Connected, State::InitWait) => State::Connected,
                (State::Closing, State::Connected) => State::Closing,
                (State::Closed, State::Connected | State::Closing) => State::Closed,
                _ => return,
            };
            self.store.set(&state, next.digit());
        };
        iface_xenstore::Xenstore::watch(&self.store, "device/vif/0/state", Box::new(react)).unwrap();
    }

    fn now(self) -> Duration {
        self.events.clock().now().since(Instant::START)
    }
}

/// Offers, publishes and connects.
fn connect(front: &Front) -> Result<xenbus::Backend<Store>, Error> {
    let backend = front.offer(Some(PATIENCE))?;
    front.publish(&backend, &[("tx-ring-ref", &8), ("event-channel", &5)], State::Connected)?;
    front.connected(&backend, Some(PATIENCE))?;
    Ok(backend)
}

#[test]
fn devices_are_found_by_number() {
    let host = Host::new();
    assert_eq!(devices(&host.store, VIF), Ok(vec![]));
    for name in ["10", "2", "0", "x", "1x", "07", "4294967296"] {
        host.store.set(&format!("device/vif/{name}/state"), "1");
    }
    let numbers: Vec<u32> = devices(&host.store, VIF).unwrap().iter().map(|each| each.number).collect();
    assert_eq!(numbers, [0, 2, 10]);
    host.store.deny("device");
    let denied = Error::Store { path: "device/vif".into(), error: StoreError::Denied };
    assert_eq!(devices(&host.store, VIF), Err(denied));
}

#[test]
fn an_ordinary_backend_is_connected_and_left() {
    let host = Host::attached("1");
    host.linux(0);
    host.backend("feature-sg", "1");
    host.backend("multi-queue-max-queues", "4");
    let front = host.frontend();
    let backend = connect(&front).unwrap();
    assert_eq!((backend.domain, backend.keys.path()), (DomainId(0), BACKEND));
    assert_eq!(backend.keys.flag("feature-sg"), Ok(true));
    assert_eq!(backend.keys.flag("feature-rotten"), Ok(false));
    assert_eq!(backend.keys.number("multi-queue-max-queues", 1..=64), Ok(Some(4)));
    let set = |key: &str, value: &str| Write::Set(format!("device/vif/0/{key}"), value.into());
    assert_eq!(host.store.writes(), [set("tx-ring-ref", "8"), set("event-channel", "5"), set("state", "4")]);
    front.close(&backend, PATIENCE).unwrap();
    assert_eq!(host.store.get("device/vif/0/state").as_deref(), Some("6"));
    assert_eq!(host.store.get(&format!("{BACKEND}/state")).as_deref(), Some("6"));
}

#[test]
fn a_driver_may_give_its_backend_up() {
    let host = Host::attached("2");
    host.linux(0);
    let front: &'static Front = Box::leak(Box::new(host.frontend()));
    let backend = connect(front).unwrap();
    host.at(300, |_| front.give_up());
    assert_eq!(front.gone(&backend), Ok(Gone::GivenUp));
    assert_eq!(host.now(), Duration::from_millis(300));
    // It was for that one alone.
    front.give_up();
    front.close(&backend, PATIENCE).unwrap();
    host.backend("state", "2");
    let backend = connect(front).unwrap();
    host.at(600, |host| host.backend("state", "5"));
    assert_eq!(front.gone(&backend), Ok(Gone::Closed));
}

#[test]
fn a_backend_may_come_late() {
    let host = Host::new();
    host.store.set("device/vif/0/state", "1");
    host.at(300, |host| host.attach(0, "1"));
    host.at(900, |host| host.backend("state", "2"));
    assert!(host.frontend().offer(Some(PATIENCE)).is_ok());
    assert_eq!(host.now(), Duration::from_millis(900));
}

#[test]
fn who_never_answers_is_named() {
    let late = |stage, state| Error::Late {
        device: Device { kind: VIF, number: 0 },
        stage,
        patience: PATIENCE,
        seen: Seen::State(state),
    };
    let host = Host::attached("1");
    let error = host.frontend().offer(Some(PATIENCE)).unwrap_err();
    assert_eq!(error, late(Stage::Offer, State::Initialising));
    assert_eq!(host.now(), PATIENCE);

    let host = Host::attached("2");
    assert_eq!(connect(&host.frontend()).unwrap_err(), late(Stage::Connect, State::InitWait));

    let host = Host::attached("2");
    host.at(1, |host| host.backend("state", "4"));
    let front = host.frontend();
    let backend = connect(&front).unwrap();
    let error = front.close(&backend, PATIENCE).unwrap_err();
    assert_eq!(error, late(Stage::Close, State::Connected));
    assert_eq!(host.store.get("device/vif/0/state").as_deref(), Some("6"), "closed all the same");
}

#[test]
fn what_the_host_reports_is_passed_on() {
    let host = Host::attached("1");
    host.at(20, |host| {
        host.backend("hotplug-error", "bridge xenbr0 does not exist");
        host.backend("hotplug-status", "error");
        host.backend("state", "1");
    });
    let error = host.frontend().offer(Some(PATIENCE)).unwrap_err();
    assert_eq!(error.to_string(), "the backend of vif 0 reports: bridge xenbr0 does not exist");
    assert_eq!(host.now(), Duration::from_millis(20));

    let host = Host::attached("2");
    host.at(20, |host| {
        host.store.set("/local/domain/0/error/backend/vif/7/0/error", "22 mapping shared-frames");
        host.backend("state", "5");
    });
    let error = connect(&host.frontend()).unwrap_err();
    assert_eq!(error.to_string(), "the backend of vif 0 reports: 22 mapping shared-frames");
}

#[test]
fn what_the_host_hides_is_not_needed() {
    let host = Host::attached("2");
    host.store.deny("/local/domain/0/error");
    host.at(20, |host| host.backend("state", "5"));
    let gone = Error::Gone { device: Device { kind: VIF, number: 0 }, gone: Gone::Closed };
    assert_eq!(connect(&host.frontend()).unwrap_err(), gone);
}

#[test]
fn wrong_values_are_told_when_nobody_mends_them() {
    let cases = [
        ("backend-id", "zero", "a number from 0 to 32751"),
        ("backend-id", "65535", "a number from 0 to 32751"),
        ("backend-id", "1", "a path below /local/domain/1/backend/"),
        ("backend", "/local/domain/0/backend/", "a path below /local/domain/0/backend/"),
        ("backend", "/local/domain/7/data", "a path below /local/domain/0/backend/"),
        ("backend", "", "a path below /local/domain/0/backend/"),
    ];
    for (key, value, wanted) in cases {
        let host = Host::attached("2");
        host.store.set(&format!("device/vif/0/{key}"), value);
        let error = host.frontend().offer(Some(PATIENCE)).unwrap_err();
        assert!(error.to_string().ends_with(&format!("where {wanted} belongs")), "{error}");
    }
    let host = Host::attached("2");
    host.store.set("device/vif/0/backend-id", "1");
    host.at(50, |host| host.attach(0, "2"));
    assert!(host.frontend().offer(Some(PATIENCE)).is_ok());
}

#[test]
fn features_are_checked() {
    let host = Host::attached("2");
    let backend = host.frontend().offer(Some(PATIENCE)).unwrap();
    for value in ["", "-1", "+1", "65", "1e1", " 1", "99999999999999999999"] {
        host.backend("feature-max-indirect-segments", value);
        let error = backend.keys.number("feature-max-indirect-segments", 0..=64).unwrap_err();
        assert!(matches!(error, Error::Value { .. }), "{value:?}: {error}");
        host.backend("feature-sg", value);
        assert!(backend.keys.flag("feature-sg").is_err(), "{value:?}");
    }
    assert_eq!(backend.keys.number("sectors", 0..=u64::MAX), Ok(None));
}

#[test]
fn a_state_that_is_none_is_waited_out() {
    let host = Host::attached("garbage");
    host.at(5, |host| host.backend("state", ""));
    host.at(6, |host| host.backend("state", "9"));
    host.at(7, |host| host.backend("state", "2"));
    host.at(8, |host| host.backend("state", "\u{1F980}"));
    host.at(9, |host| host.backend("state", "4"));
    connect(&host.frontend()).unwrap();
    assert_eq!(host.now(), Duration::from_millis(9));
}

#[test]
fn every_way_to_leave_is_seen() {
    type Leave = fn(Host);
    let ways: [(Leave, Gone); 6] = [
        (|host| host.backend("state", "5"), Gone::Closed),
        (|host| host.backend("state", "2"), Gone::Restarted),
        (|host| host.backend("state", "none"), Gone::Restarted),
        (|host| host.store.delete(BACKEND), Gone::Vanished),
        (|host| host.store.delete("device/vif/0"), Gone::Vanished),
        (|host| host.attach(3, "2"), Gone::Replaced),
    ];
    for (leave, gone) in ways {
        let host = Host::attached("2");
        host.at(1, |host| host.backend("state", "4"));
        let front = host.frontend();
        let backend = connect(&front).unwrap();
        host.at(50, |host| host.backend("feature-sg", "1"));
        host.at(100, leave);
        assert_eq!(front.gone(&backend), Ok(gone));
        assert_eq!(host.now(), Duration::from_millis(100));
    }
}

#[test]
fn a_backend_that_comes_again_is_connected_again() {
    let host = Host::attached("1");
    host.linux(0);
    let front = host.frontend();
    let backend = connect(&front).unwrap();
    host.at(5000, |host| host.backend("state", "5"));
    assert_eq!(front.gone(&backend), Ok(Gone::Closed));
    host.at(5001, |host| host.backend("state", "6"));
    front.close(&backend, PATIENCE).unwrap();
    connect(&front).unwrap();
    assert_eq!(host.store.get(&format!("{BACKEND}/state")).as_deref(), Some("4"));
}

#[test]
fn a_backend_in_another_domain_takes_over() {
    let host = Host::attached("1");
    host.linux(0);
    let front = host.frontend();
    let backend = connect(&front).unwrap();
    host.at(5000, |host| {
        host.store.delete("device/vif/0");
        host.store.delete(BACKEND);
    });
    assert_eq!(front.gone(&backend), Ok(Gone::Vanished));
    front.close(&backend, PATIENCE).unwrap();
    assert_eq!(host.store.get("device/vif/0"), None, "nothing is written where the device was");
    host.at(9000, |host| {
        host.linux(3);
        host.attach(3, "1");
    });
    assert_eq!(connect(&front).unwrap().domain, DomainId(3));
    assert_eq!(host.now(), Duration::from_millis(9000));
}

#[test]
fn a_device_that_is_taken_away_stays_closed() {
    let host = Host::attached("1");
    host.linux(0);
    let front = host.frontend();
    let backend = connect(&front).unwrap();
    host.at(5000, |host| {
        host.backend("online", "0");
        host.backend("state", "5");
    });
    assert_eq!(front.gone(&backend), Ok(Gone::Closed));
    front.close(&backend, PATIENCE).unwrap();
    assert!(front.offer(Some(PATIENCE)).is_err());
    assert_eq!(host.store.get(&format!("{BACKEND}/state")).as_deref(), Some("6"));
    assert_eq!(host.store.get("device/vif/0/state").as_deref(), Some("6"));
}

#[test]
fn keys_are_not_published_to_another_backend() {
    let host = Host::attached("2");
    let front = host.frontend();
    let backend = front.offer(Some(PATIENCE)).unwrap();
    let interfering = host;
    host.store.interfere(move || interfering.attach(3, "2"));
    let error = front.publish(&backend, &[("tx-ring-ref", &8)], State::Connected).unwrap_err();
    assert_eq!(error, Error::Gone { device: front.device(), gone: Gone::Replaced });
    assert!(host.store.writes().is_empty());
}

#[test]
fn a_flapping_backend_is_not_chased() {
    let host = Host::attached("2");
    let store = host.store;
    let react = move |_: &str| {
        let front = store.get("device/vif/0/state").unwrap();
        store.set(&format!("{BACKEND}/state"), if front == "4" { "5" } else { "2" });
    };
    iface_xenstore::Xenstore::watch(&store, "device/vif/0/state", Box::new(react)).unwrap();
    let front = host.frontend();
    let mut attempts = 0;
    while host.now() < Duration::from_secs(60) {
        assert!(connect(&front).is_err());
        attempts += 1;
    }
    assert!((10..30).contains(&attempts), "{attempts} in a minute");
}

#[test]
fn an_error_is_left_for_the_administrator() {
    let host = Host::attached("2");
    let front = host.frontend();
    let left = || host.store.get("error/device/vif/0/error");
    assert!(front.report(&"no memory for 2 rings"));
    assert_eq!(left().as_deref(), Some("no memory for 2 rings"));
    host.store.delete("error");
    assert!(!front.report(&"no memory for 2 rings"), "it was told");
    assert_eq!(left(), None);
    assert!(front.report(&"no event channel") && front.report(&"no memory for 2 rings"));
    assert_eq!(left().as_deref(), Some("no memory for 2 rings"));
}

#[test]
fn a_failure_is_news_again_after_a_quiet_minute() {
    let host = Host::attached("2");
    let front = host.frontend();
    assert!(front.offer(None).is_ok() && front.report(&"broken"));
    assert!(front.offer(None).is_ok() && !front.report(&"broken"));
    host.events.wait(Some(host.events.clock().now() + Duration::from_secs(60)));
    assert!(front.offer(None).is_ok() && front.report(&"broken"));
}

#[test]
fn a_broken_store_is_the_end() {
    let host = Host::attached("1");
    let front = host.frontend();
    host.at(20, |host| host.store.break_down());
    let error = front.offer(None).unwrap_err();
    assert!(error.is_final(), "{error}");
    assert_eq!(host.now(), Duration::from_millis(20));
    let host = Host::attached("1");
    host.store.deny(&format!("{BACKEND}/state"));
    let error = host.frontend().offer(None).unwrap_err();
    assert!(!error.is_final(), "{error}");
}

#[test]
fn watches_end_with_the_frontend() {
    let host = Host::attached("2");
    let front = host.frontend();
    front.offer(Some(PATIENCE)).unwrap();
    assert_eq!(host.store.watches(), 2);
    drop(front);
    assert_eq!(host.store.watches(), 0);
}

/// Something that a backend and its host do.
#[derive(Clone, Debug)]
enum Whim {
    State(String),
    Key(&'static str, String),
    Vanish,
    Detach,
    Attach(u16),
}

fn whims() -> impl Strategy<Value = Vec<(u64, Whim)>> {
    let keys = prop::sample::select(vec!["online", "hotplug-status", "hotplug-error"]);
    let whim = prop_oneof![
        6 => "[0-9]".prop_map(Whim::State),
        1 => ".{0,12}".prop_map(Whim::State),
        2 => (keys, "[01]|error|connected|.{0,100}").prop_map(|(key, value)| Whim::Key(key, value)),
        1 => Just(Whim::Vanish),
        1 => Just(Whim::Detach),
        1 => (0..3_u16).prop_map(Whim::Attach),
    ];
    prop::collection::vec((0..20_000_u64, whim), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a backend does, each call ends in time, and the frontend writes no more than it was given cause to.
    #[test]
    fn no_backend_holds_or_busies_the_frontend(whims in whims()) {
        let host = Host::attached("1");
        let causes = whims.len() as u64;
        for (ms, whim) in whims {
            host.at(ms, move |host| match &whim {
                Whim::State(state) => host.backend("state", state),
                Whim::Key(key, value) => host.backend(key, value),
                Whim::Vanish => host.store.delete(BACKEND),
                Whim::Detach => host.store.delete("device/vif/0"),
                Whim::Attach(domain) => host.attach(*domain, "2"),
            });
        }
        host.at(40_000, |host| host.backend("state", "6"));
        let front = host.frontend();
        let mut attempts = 0;
        while host.now() < Duration::from_secs(30) {
            let began = host.now();
            let backend = connect(&front);
            prop_assert!(host.now() - began <= 2 * PATIENCE + Duration::from_secs(5));
            attempts += 1;
            if let Ok(backend) = backend {
                front.gone(&backend).unwrap();
                let _ = front.close(&backend, PATIENCE);
            }
        }
        let written = host.store.writes().len() as u64;
        prop_assert!(attempts <= 20, "{attempts} attempts");
        prop_assert!(written <= 12 * (causes + attempts + 1), "{written} writes");
    }
}
