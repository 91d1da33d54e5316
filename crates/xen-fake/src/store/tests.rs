use std::cell::RefCell;
use std::rc::Rc;

use super::*;

const HOME: &str = "/local/domain/7";

fn store() -> &'static FakeStore {
    FakeStore::new(DomainId(7))
}

/// Paths that a watch was called with.
fn record(store: &'static FakeStore, path: &str) -> (Watch, Rc<RefCell<Vec<String>>>) {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let seer = Rc::clone(&seen);
    let watch = store.watch(path, Box::new(move |path| seer.borrow_mut().push(path.into()))).unwrap();
    (watch, seen)
}

#[test]
fn relative_paths_are_below_the_domains_own() {
    let store = store();
    store.write("device/vif/0/state", "1").unwrap();
    assert_eq!(store.read(&format!("{HOME}/device/vif/0/state")).unwrap(), "1");
    assert_eq!(store.read("device/vif").unwrap(), "");
    assert_eq!(store.list("device").unwrap(), ["vif"]);
    assert_eq!(store.list("/").unwrap(), ["local"]);
    assert_eq!(store.read("device/vbd"), Err(StoreError::NotFound));
}

#[test]
fn removing_takes_what_is_below_and_wants_a_parent() {
    let store = store();
    store.set("a/b/c", "1");
    store.set("a/bb", "2");
    store.remove("a/b").unwrap();
    assert_eq!(store.list("a").unwrap(), ["bb"]);
    assert_eq!(store.remove("a/b"), Ok(()));
    assert_eq!(store.remove("x/y"), Err(StoreError::NotFound));
}

#[test]
fn what_is_no_path_or_too_long_is_refused() {
    let store = store();
    for path in ["", "a//b", "a/", "a b", "ä"] {
        assert_eq!(store.read(path), Err(StoreError::Refused("EINVAL".into())), "{path:?}");
    }
    assert_eq!(store.write("a", &"x".repeat(4095)), Err(StoreError::TooLong));
    assert_eq!(store.write("a", &"x".repeat(4094)), Ok(()));
    assert_eq!(store.read(&"x".repeat(2049)), Err(StoreError::TooLong));
}

#[test]
fn a_watch_is_called_at_the_beginning_and_for_what_changes_below_it() {
    let store = store();
    let (watch, seen) = record(store, "a/b");
    assert!(seen.borrow().is_empty(), "never from inside the call");
    assert!(store.pump());
    store.set("a/b/c", "1");
    store.set("a/bb", "not below");
    store.delete("a");
    store.pump();
    assert_eq!(*seen.borrow(), ["a/b", "a/b/c", "a/b"]);
    store.unwatch(watch);
    store.set("a/b", "2");
    assert!(!store.pump());
}

#[test]
fn an_absolute_watch_names_absolute_paths() {
    let store = store();
    let (_, seen) = record(store, HOME);
    store.set("a", "1");
    store.pump();
    assert_eq!(*seen.borrow(), [HOME.into(), format!("{HOME}/a")]);
}

#[test]
fn events_call_the_watches() {
    let events = FakeEvents::new(Box::leak(Box::default()));
    let store = FakeStore::with_events(DomainId(7), events, Source(3));
    let (_, seen) = record(store, "a");
    assert!(events.poll());
    assert_eq!(*seen.borrow(), ["a"]);
}

#[test]
fn a_transaction_is_tried_again_until_nobody_interferes() {
    let store = store();
    store.set("count", "5");
    for value in ["10", "20"] {
        store.interfere(move || store.set("count", value));
    }
    let mut tries = 0;
    let mut work = |tree: &dyn Tree| {
        tries += 1;
        let count: u32 = tree.read("count")?.parse().unwrap();
        tree.write("count", &(count + 1).to_string())
    };
    store.transaction(&mut work).unwrap();
    assert_eq!((tries, store.get("count").as_deref()), (3, Some("21")));
    assert_eq!(store.writes(), [Write::Set("count".into(), "21".into())]);
}

#[test]
fn a_transaction_that_fails_does_nothing() {
    let store = store();
    let (_, seen) = record(store, "a");
    let failed = store.transaction(&mut |tree| {
        tree.write("a", "1")?;
        assert_eq!(tree.read("a").unwrap(), "1");
        Err(StoreError::Denied)
    });
    assert_eq!((failed, store.get("a")), (Err(StoreError::Denied), None));
    store.pump();
    assert_eq!(*seen.borrow(), ["a"], "the one at the beginning");
    assert!(store.writes().is_empty());
}

#[test]
fn endless_interference_ends_in_an_error() {
    let store = store();
    for _ in 0..TRIES {
        store.interfere(|| store.set("x", ""));
    }
    assert_eq!(store.transaction(&mut |_| Ok(())), Err(StoreError::Refused("EAGAIN".into())));
}

#[test]
fn what_is_denied_is_denied_to_the_domain_alone() {
    let store = store();
    store.set("/local/domain/0/error/a", "1");
    store.deny("/local/domain/0/error");
    assert_eq!(store.read("/local/domain/0/error/a"), Err(StoreError::Denied));
    assert_eq!(store.write("/local/domain/0/error/a", ""), Err(StoreError::Denied));
    assert_eq!(store.get("/local/domain/0/error/a").as_deref(), Some("1"));
}

#[test]
fn a_broken_store_does_nothing_and_says_so() {
    let store = store();
    store.set("a", "1");
    let seen = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&seen);
    store.watch("a", Box::new(move |path: &str| told.borrow_mut().push(path.to_string()))).unwrap();
    store.pump();
    store.break_down();
    assert!(store.pump());
    assert_eq!(*seen.borrow(), ["a", "a"]);
    assert_eq!(store.read("a"), Err(StoreError::Broken));
    assert_eq!(store.write("a", "2"), Err(StoreError::Broken));
    assert_eq!(store.transaction(&mut |_| Ok(())), Err(StoreError::Broken));
    assert_eq!(store.watch("a", Box::new(|_: &str| {})), Err(StoreError::Broken));
}
