//! Backends that come and go, and hosts that are not as they should be.

use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::string::ToString;
use std::vec::Vec;

use iface_clock::Instant;
use iface_events::Events;
use iface_grant_table::Reference;
use iface_net_device::NetDevice;
use iface_xenstore::StoreError;
use xen_fake::{BackRing, Write};
use xenbus::{Error, Stage, State};

use super::host::{ADDRESS, CONFIG, Host};
use super::netback::DOM0;
use crate::link::Abilities;
use crate::netif::{ReceiveRequest, ReceiveResponse, TransmitResponse};
use crate::{Broken, Config, ConnectError, InitError, LinkError, PageError};

static OPTIONAL: Config =
    Config { receive_buffers: 4, transmit_buffers: 4, large_receive: true, required: false, timeout_s: 1 };

fn send(card: &mut impl NetDevice, byte: u8) {
    card.transmit(60, |frame| frame.fill(byte)).unwrap();
    card.flush();
}

/// Counts how often the card's source fires.
fn wakes(host: Host, card: &impl NetDevice) -> Rc<Cell<u32>> {
    let count = Rc::new(Cell::new(0));
    let counted = Rc::clone(&count);
    host.events.subscribe(card.source(), Box::new(move || counted.set(counted.get() + 1))).unwrap();
    count
}

#[test]
fn without_an_interface_the_mend_is_told() {
    let error = Host::new().init(&CONFIG).err().unwrap();
    assert_eq!(error, InitError::NoInterface);
    let text = error.to_string();
    assert!(text.contains("`vif = [ \"bridge=xenbr0\" ]` into its xl.cfg"), "{text}");
    assert!(text.contains("`libs.netfront.required = false`"), "{text}");
}

#[test]
fn a_backend_that_never_connects_is_told_with_its_state() {
    let host = Host::new();
    host.attach();
    host.set_backend("state", "1");
    let text = host.init(&CONFIG).err().unwrap().to_string();
    assert!(
        text.contains("vif 0's backend did not come within 10s (it is in state Initialising (1))"),
        "{text}"
    );
    assert!(text.contains("is the bridge there"), "{text}");
    assert_eq!((host.grants.count(), host.channels.ports().len()), (0, 0));

    let host = Host::new();
    host.attach();
    let error = host.init(&CONFIG).err().unwrap();
    assert!(
        matches!(error, InitError::Connect(ConnectError::Backend(Error::Late { stage: Stage::Connect, .. }))),
        "{error}"
    );
    assert_eq!((host.grants.count(), host.channels.ports().len()), (0, 0), "nothing stays granted");
    assert_eq!(host.key("state").as_deref(), Some(State::Closed.digit()));
}

#[test]
fn what_the_host_says_has_to_make_sense() {
    let refusal = |key: &str, value: &str| {
        let host = Host::with_card();
        host.store.set(&std::format!("device/vif/0/{key}"), value);
        host.init(&CONFIG).err().unwrap().to_string()
    };
    assert_eq!(
        refusal("mac", "00:16:3e"),
        "device/vif/0/mac is `00:16:3e`, where an address as 00:16:3e:01:02:03 belongs"
    );
    assert!(refusal("mtu", "17").contains("device/vif/0/mtu"));
    let host = Host::with_card();
    host.store.delete("device/vif/0/mac");
    assert_eq!(host.init(&CONFIG).err().unwrap().to_string(), "the host does not tell the address of vif 0");
    let host = Host::with_card();
    host.store.deny("device");
    let error = host.init(&CONFIG).err().unwrap();
    assert!(matches!(error, InitError::Store(Error::Store { error: StoreError::Denied, .. })), "{error}");
}

#[test]
fn a_domain_that_lacks_something_keeps_nothing() {
    for limit in 0..6 {
        let host = Host::with_card();
        host.grants.set_limit(limit);
        let error = host.init(&CONFIG).err();
        assert!(
            matches!(
                error,
                Some(InitError::Connect(ConnectError::Link(LinkError::Page(PageError::NotGranted(_)))))
            ),
            "{error:?}"
        );
        assert_eq!((host.grants.count(), host.channels.ports().len()), (0, 0));
    }
    for limit in 0..2 {
        let host = Host::with_card();
        host.set_backend("feature-split-event-channels", "1");
        host.channels.set_limit(limit);
        let error = host.init(&CONFIG).err();
        assert!(
            matches!(error, Some(InitError::Connect(ConnectError::Link(LinkError::Channel(_))))),
            "{error:?}"
        );
        assert_eq!((host.grants.count(), host.channels.ports().len()), (0, 0));
    }
}

#[test]
fn a_card_that_is_not_required_may_be_attached_later() {
    assert!(Host::new().init(&OPTIONAL).is_ok());
    let host = Host::new();
    let (keeper, mut card) = host.keeper(&OPTIONAL);
    assert_eq!(card.mac_address(), [2, 0x16, 0x3e, 0, 0, 7]);
    send(&mut card, 1);
    assert!(card.can_transmit() && card.receive().is_none() && card.arm());

    host.after(3000, move || host.attach());
    host.follow();
    let count = wakes(host, &card);
    let mut backend = None;
    keeper.round(&mut backend).unwrap();
    host.events.poll();
    assert!(backend.is_some() && count.get() > 0);
    send(&mut card, 2);
    assert_eq!(host.with(|backend| backend.take()).unwrap().bytes, [2; 60]);
}

#[test]
fn a_card_that_is_not_required_may_fail_to_connect() {
    let host = Host::new();
    host.attach();
    host.set_backend("state", "1");
    let mut card = host.init(&OPTIONAL).unwrap();
    assert_eq!(card.mac_address(), ADDRESS);
    send(&mut card, 1);
    assert!(card.receive().is_none());
}

#[test]
fn a_backend_goes_and_another_comes() {
    let host = Host::with_card();
    let (keeper, mut card) = host.keeper(&CONFIG);
    let mut backend = Some(keeper.connect(None).unwrap());
    let count = wakes(host, &card);
    for round in 1..20 {
        // A full ring and a lent frame, as in the middle of something.
        while card.transmit(60, |frame| frame.fill(1)).is_ok() {}
        card.flush();
        host.with(|backend| backend.deliver(0, &[round; 60]));
        let lent = card.receive().unwrap();
        host.events.poll();
        let before = count.get();
        let (source, grants) = (card.source(), host.grants.count());
        assert!(!card.can_transmit());

        // `xl network-detach`, and after a while `xl network-attach`.
        host.after(10, move || {
            host.set_backend("online", "0");
            host.set_backend("state", State::Closing.digit());
        });
        host.after(2000, move || {
            assert_eq!(host.grants.count(), 0, "everything was taken back");
            assert_eq!(host.channels.ports(), []);
            host.detached();
        });
        host.after(5000, move || host.attach());
        let unplugged = Rc::new(Cell::new(0));
        let (seen, counted) = (Rc::clone(&unplugged), Rc::clone(&count));
        host.after(1000, move || seen.set(counted.get()));
        keeper.round(&mut backend).unwrap();
        host.events.poll();

        assert!(unplugged.get() > before, "who waited for room is woken when the backend is gone");
        assert!(count.get() > unplugged.get(), "and when it is back");
        assert_eq!(lent.as_ref(), [round; 60], "a lent frame is its owner's");
        card.recycle(lent);
        card.flush();
        assert_eq!((host.grants.count(), card.source()), (grants + 1, source));
        assert!(card.can_transmit());
        send(&mut card, round);
        assert_eq!(host.with(|backend| backend.take()).unwrap().bytes, [round; 60]);
        host.with(|backend| backend.deliver(0, &[3; 60]));
        assert!(card.receive().is_some_and(|frame| frame.as_ref() == [3; 60]));
    }
}

#[test]
fn frames_are_lost_while_there_is_no_backend() {
    let host = Host::with_card();
    let (keeper, mut card) = host.keeper(&CONFIG);
    keeper.connect(None).unwrap();
    let link = keeper.nic.disconnect().unwrap();
    for _ in 0..1000 {
        assert!(card.can_transmit());
        assert_eq!(card.transmit(1514, |frame| frame.len()), Ok(1514));
        card.flush();
    }
    assert!(card.receive().is_none() && card.arm());
    keeper.nic.close(link);
}

#[test]
fn a_broken_backend_is_reported_and_taken_up_again() {
    let host = Host::with_card();
    let (keeper, mut card) = host.keeper(&CONFIG);
    let breaks: [fn(Host); 3] = [
        |host| host.with(|backend| backend.to_domain.set_response_index(21)),
        |host| host.with(|backend| backend.from_domain.set_response_index(u32::MAX)),
        |host| {
            host.with(|backend| {
                backend.from_domain.put(TransmitResponse { id: 200, status: 0 });
                backend.from_domain.publish();
            });
        },
    ];
    for break_it in breaks {
        let mut backend = Some(keeper.connect(None).unwrap());
        while card.transmit(60, |frame| frame.fill(1)).is_ok() {}
        card.flush();
        break_it(host);
        assert!(card.receive().is_none());
        assert!(card.can_transmit(), "nobody waits for a connection that is broken");
        send(&mut card, 1);
        let error = keeper.round(&mut backend).unwrap_err();
        assert!(matches!(error, ConnectError::Broken(Broken::Ring(_) | Broken::UnknownId(200))), "{error}");
        assert_eq!((host.grants.count(), host.channels.ports().len()), (0, 0));
    }
}

#[test]
fn a_backend_that_always_breaks_is_slowed_down_and_told_of_once() {
    let host = Host::with_card();
    let (keeper, card) = host.keeper(&CONFIG);
    let backend = keeper.connect(None).unwrap();
    let source = card.source();
    let card = Rc::new(RefCell::new(card));
    let owner = Rc::clone(&card);
    let is_good = Rc::new(Cell::new(false));
    let good = Rc::clone(&is_good);
    // Whenever it is connected, it breaks the protocol.
    let answer = move || {
        if let Some(backend) = host.backend.borrow_mut().as_mut().filter(|_| !good.get()) {
            backend.to_domain.set_response_index(0x1000);
            assert!(owner.borrow_mut().receive().is_none());
        }
    };
    host.events.subscribe(source, Box::new(answer)).unwrap();
    let connections = move || {
        let connected = Write::Set("device/vif/0/state".into(), "4".into());
        host.store.writes().into_iter().filter(|write| *write == connected).count()
    };
    // After an hour another takes its place; it works as long as there is a store.
    host.after(3_600_000, move || {
        assert!((720..740).contains(&connections()), "{} connections", connections());
        is_good.set(true);
    });
    host.after(3_700_000, move || {
        send(&mut *card.borrow_mut(), 1);
        assert_eq!(host.with(|backend| backend.take()).unwrap().bytes, [1; 60]);
        host.store.break_down();
    });
    keeper.keep(Some(backend));
    assert_eq!(host.now().since(Instant::START).as_secs(), 3700);
    let error = "error/device/vif/0/error";
    let told = |write: &Write| matches!(write, Write::Set(path, _) if path == error);
    assert_eq!(host.store.writes().into_iter().filter(told).count(), 1);
    let report = host.reported().unwrap();
    assert!(report.contains("the backend broke the protocol"), "{report}");
    // Nobody could tell the last backend, which has both rings mapped still.
    assert_eq!((host.grants.count(), host.channels.ports().len()), (2, 0));
}

#[test]
fn what_backends_hold_is_kept_aside() {
    let host = Host::with_card();
    let (keeper, mut card) = host.keeper(&OPTIONAL);
    let nic = keeper.nic;
    let map = |reference| BackRing::<ReceiveRequest, ReceiveResponse>::map(host.grants, DOM0, reference);
    let mut held = Vec::new();
    // A connection has 8 pages: 2 rings, 2 to send and 4 to receive.
    for round in 1..=3 {
        let link = nic.open(DOM0, Abilities::default()).unwrap();
        let mut ring = map(Reference(link.references()[1]));
        while let Some(request) = ring.take() {
            held.push(host.grants.map(DOM0, Reference(request.reference)));
        }
        drop(ring);
        nic.close(link);
        assert_eq!((held.len(), host.grants.count()), (round * 4, round * 4));
    }
    assert_eq!(nic.open(DOM0, Abilities::default()).err(), Some(LinkError::Held(12)));
    held.pop();
    card.arm();
    assert_eq!(host.grants.count(), 11);
    held.clear();
    let link = nic.open(DOM0, Abilities::default()).unwrap();
    assert_eq!(host.grants.count(), 8, "pages beyond those of a connection were given back");
    nic.close(link);
}
