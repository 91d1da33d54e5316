//! A daemon that does as it should.

use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::format;
use std::rc::Rc;
use std::string::{String, ToString};
use std::vec::Vec;

use iface_scheduler::Scheduler as _;
use iface_xenstore::{StoreError, Tree, Xenstore};

use super::{PORT, at, shared, world};
use crate::wire::Header;

#[test]
fn values_are_read_and_written_whatever_the_rings_take_at_a_time() {
    for chunk in [1, 7, 1024] {
        let world = world(false, chunk);
        let long = "x".repeat(4000);
        world.host.set("name", "guest");
        world.store.write("data/long", &long).unwrap();
        assert_eq!(world.store.read("name").unwrap(), "guest");
        assert_eq!(world.store.read("data/long").unwrap(), long);
        assert_eq!(world.store.read("data").unwrap(), "");
        let mut names = world.store.list("").unwrap_or_else(|_| world.store.list("/local/domain/7").unwrap());
        names.sort();
        assert_eq!(names, ["data", "name"]);
        world.store.remove("data").unwrap();
        assert_eq!(world.host.get("data/long"), None);
    }
}

#[test]
fn errors_are_those_of_the_store() {
    let world = world(false, 1024);
    world.host.set("/local/domain/0/secret", "1");
    world.host.deny("/local/domain/0");
    assert_eq!(world.store.read("absent"), Err(StoreError::NotFound));
    assert_eq!(world.store.list("absent"), Err(StoreError::NotFound));
    assert_eq!(world.store.remove("absent/below"), Err(StoreError::NotFound));
    assert_eq!(world.store.read("/local/domain/0/secret"), Err(StoreError::Denied));
    assert_eq!(world.store.read("a//b"), Err(StoreError::Refused("EINVAL".into())));
    assert_eq!(world.store.read("a\0b"), Err(StoreError::Refused("EINVAL".into())));
    assert_eq!(world.store.write("a", &"x".repeat(4095)), Err(StoreError::TooLong));
    assert_eq!(world.store.write("a", &"x".repeat(4094)), Ok(()));
}

#[test]
fn many_threads_have_requests_under_way_and_each_gets_its_own_answer() {
    const THREADS: usize = 20;
    let world = world(false, 100);
    // The daemon answers when all have asked, and the last one first.
    world.daemon.reversed.set(THREADS);
    let done = Rc::new(Cell::new(0));
    for n in 0..THREADS {
        let (store, done) = (world.store, Rc::clone(&done));
        world.host.set(&format!("node/{n}"), &"v".repeat(n * 30));
        let body = move || {
            assert_eq!(store.read(&format!("node/{n}")).unwrap().len(), n * 30);
            done.set(done.get() + 1);
        };
        world.scheduler.spawn("reader", Box::new(body)).unwrap();
    }
    world.scheduler.sleep_until(at(1000));
    assert_eq!(done.get(), THREADS);
}

#[test]
fn transactions_are_tried_again() {
    let world = world(false, 1024);
    world.host.set("count", "0");
    let host = world.host;
    for value in ["10", "20"] {
        world.daemon.interference.borrow_mut().push_back(Box::new(move || host.set("count", value)));
    }
    let mut tries = 0;
    let mut work = |tree: &dyn Tree| {
        tries += 1;
        let count: u32 = tree.read("count")?.parse().unwrap();
        tree.write("count", &(count + 1).to_string())
    };
    world.store.transaction(&mut work).unwrap();
    assert_eq!((tries, host.get("count").as_deref()), (3, Some("21")));
}

#[test]
fn a_transaction_that_fails_is_discarded() {
    let world = world(false, 1024);
    let failed = world.store.transaction(&mut |tree| {
        tree.write("a", "1")?;
        tree.read("absent").map(drop)
    });
    assert_eq!((failed, world.host.get("a")), (Err(StoreError::NotFound), None));
}

#[test]
fn a_transaction_that_always_collides_ends() {
    let world = world(false, 1024);
    let host = world.host;
    for n in 0..100 {
        let change = move || host.set("other", &n.to_string());
        world.daemon.interference.borrow_mut().push_back(Box::new(change));
    }
    let collided = world.store.transaction(&mut |tree| tree.write("a", "1"));
    assert_eq!(collided, Err(StoreError::Refused("EAGAIN".into())));
}

#[test]
fn a_watch_is_called_for_each_change_of_a_storm() {
    let world = world(false, 300);
    let seen: Rc<RefCell<Vec<String>>> = Rc::default();
    let seer = Rc::clone(&seen);
    let watch = world.store.watch("a", Box::new(move |path| seer.borrow_mut().push(path.into()))).unwrap();
    for n in 0..500 {
        world.host.set(&format!("a/{n}"), "");
    }
    // Answers come between the events.
    world.store.write("b", "1").unwrap();
    world.scheduler.sleep_until(at(2000));
    assert_eq!(seen.borrow().len(), 501);
    assert_eq!((&*seen.borrow()[0], &*seen.borrow()[500]), ("a", "a/499"));
    world.store.unwatch(watch);
    world.host.set("a/0", "1");
    world.scheduler.sleep_until(at(3000));
    assert_eq!((seen.borrow().len(), world.host.watches()), (501, 0));
}

#[test]
fn a_refused_watch_leaves_nothing() {
    let world = world(false, 1024);
    let refused = world.store.watch("a//b", Box::new(|_| unreachable!("it is not watched")));
    assert_eq!(refused, Err(StoreError::Refused("EINVAL".into())));
    assert_eq!(world.host.watches(), 0);
}

#[test]
fn answers_that_nobody_waits_for_do_no_harm() {
    let world = world(false, 1024);
    world.host.set("name", "guest");
    for (kind, request, transaction) in [(2, 77, 0), (2, 1, 9), (15, 0, 0), (999, 0, 0)] {
        let header = Header { kind, request, transaction, length: 3 };
        world.daemon.send(&[&header.to_bytes()[..], b"abc"].concat());
    }
    assert_eq!(world.store.read("name").unwrap(), "guest");
}

#[test]
fn the_daemon_is_signalled_for_what_moved_and_not_otherwise() {
    let world = world(false, 1024);
    world.host.set("name", "guest");
    world.store.read("name").unwrap();
    // One for the request, one for the answer that was taken out.
    assert_eq!(world.channels.take_signals(PORT), 2);
}

#[test]
fn a_reconnection_under_way_is_waited_for() {
    let world = world(false, 1024);
    world.host.set("name", "guest");
    world.shared.set(shared::FEATURES, 1);
    world.shared.set(shared::CONNECTION, 1);
    let (shared, channels) = (world.shared, world.channels);
    world.at(50, move || {
        shared.set(shared::CONNECTION, 0);
        channels.notify(PORT);
    });
    assert_eq!(world.store.read("name").unwrap(), "guest");
    assert!(world.now() >= at(50));
}
