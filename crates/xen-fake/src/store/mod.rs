//! A store with its other domains.

mod nodes;
#[cfg(test)]
mod tests;
mod transaction;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

use iface_events::{Events, Source, fake::FakeEvents};
use iface_xenstore::{Changed, StoreError, Tree, Watch, Xenstore};
use xen_abi::DomainId;

use nodes::{Nodes, is_at_or_below};

pub use transaction::FakeTransaction;

/// How often a transaction is tried before the store gives it up.
const TRIES: u32 = 100;

/// A change that the domain under test made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A value was set: the path as it was given, and the value.
    Set(String, String),
    /// A path, as it was given, was removed.
    Removed(String),
}

/// The store of a host as one of its domains sees it, for as long as the test runs.
pub struct FakeStore {
    home: String,
    nodes: RefCell<Nodes>,
    /// Counts changes, so that a transaction sees that there were any.
    changes: Cell<u64>,
    watches: RefCell<Vec<Watching>>,
    last_watch: Cell<u32>,
    queue: RefCell<VecDeque<(Watch, String)>>,
    bell: Option<(&'static FakeEvents, Source)>,
    denied: RefCell<Vec<String>>,
    is_broken: Cell<bool>,
    interference: RefCell<VecDeque<Box<dyn FnOnce()>>>,
    writes: RefCell<Vec<Write>>,
}

struct Watching {
    watch: Watch,
    /// As it was given; events name paths in the same form.
    path: String,
    changed: Rc<Changed>,
}

impl FakeStore {
    /// An empty store; paths of `domain` are relative to `/local/domain/<domain>`. Its watches wait for
    /// [`pump`](FakeStore::pump).
    pub fn new(domain: DomainId) -> &'static Self {
        Box::leak(Box::new(Self::empty(domain, None)))
    }

    /// A store whose watches are called when `events` are polled or waited for; it fires `source`.
    pub fn with_events(domain: DomainId, events: &'static FakeEvents, source: Source) -> &'static Self {
        let store: &'static Self = Box::leak(Box::new(Self::empty(domain, Some((events, source)))));
        let pump = move || {
            store.pump();
        };
        events.subscribe(source, Box::new(pump)).expect("fake events take any source");
        store
    }

    fn empty(domain: DomainId, bell: Option<(&'static FakeEvents, Source)>) -> Self {
        let home = format!("/local/domain/{}", domain.0);
        let mut nodes = Nodes::default();
        nodes.write(&home, "");
        Self {
            home,
            nodes: RefCell::new(nodes),
            changes: Cell::default(),
            watches: RefCell::default(),
            last_watch: Cell::default(),
            queue: RefCell::default(),
            bell,
            denied: RefCell::default(),
            is_broken: Cell::default(),
            interference: RefCell::default(),
            writes: RefCell::default(),
        }
    }

    /// Has somebody else set a value.
    ///
    /// # Panics
    /// Where the path is none.
    pub fn set(&self, path: &str, value: &str) {
        let absolute = self.resolve(path, value).expect("a test sets paths that are paths");
        self.nodes.borrow_mut().write(&absolute, value);
        self.tell(&absolute, false);
    }

    /// Has somebody else remove a path and all below it.
    ///
    /// # Panics
    /// Where the path is none.
    pub fn delete(&self, path: &str) {
        let absolute = self.resolve(path, "").expect("a test deletes paths that are paths");
        if self.nodes.borrow_mut().remove(&absolute) == Ok(true) {
            self.tell(&absolute, true);
        }
    }

    /// The value at a path, whoever asks.
    pub fn get(&self, path: &str) -> Option<String> {
        let absolute = self.resolve(path, "").ok()?;
        self.nodes.borrow().read(&absolute).ok()
    }

    /// Denies the domain everything at and below `path` from here on.
    ///
    /// # Panics
    /// Where the path is none.
    pub fn deny(&self, path: &str) {
        let absolute = self.resolve(path, "").expect("a test denies paths that are paths");
        self.denied.borrow_mut().push(absolute);
    }

    /// Has the store break its protocol: from here on each of the domain's calls fails as [`StoreError::Broken`], and all its
    /// watches are called once, so that nobody waits in vain.
    pub fn break_down(&self) {
        self.is_broken.set(true);
        for each in self.watches.borrow().iter() {
            self.queue_event(each.watch, each.path.clone());
        }
    }

    /// Has `change` called just before the next transaction ends that nothing interfered with yet. Each call adds one
    /// for a further attempt. A change of the tree has the transaction tried again.
    pub fn interfere(&self, change: impl FnOnce() + 'static) {
        self.interference.borrow_mut().push_back(Box::new(change));
    }

    /// What the domain changed, in order; changes of a transaction when it was done.
    pub fn writes(&self) -> Vec<Write> {
        self.writes.borrow().clone()
    }

    /// How many watches are set.
    pub fn watches(&self) -> usize {
        self.watches.borrow().len()
    }

    /// Calls the watches of everything that changed, and says whether there was anything. What they change in turn is
    /// told too.
    pub fn pump(&self) -> bool {
        let mut any = false;
        loop {
            let Some((watch, path)) = self.queue.borrow_mut().pop_front() else { return any };
            if let Some(changed) = self.callback(watch) {
                changed(&path);
                any = true;
            }
        }
    }

    /// Begins a transaction by hand, as a store for another domain's protocol does.
    pub fn begin(&'static self) -> FakeTransaction {
        FakeTransaction::new(self, self.nodes.borrow().clone(), self.changes.get())
    }

    /// Held by count, so that a watch may set and end watches.
    fn callback(&self, watch: Watch) -> Option<Rc<Changed>> {
        let watches = self.watches.borrow();
        watches.iter().find(|each| each.watch == watch).map(|each| Rc::clone(&each.changed))
    }

    /// The absolute path, where it and `value` are such as a store takes.
    fn resolve(&self, path: &str, value: &str) -> Result<String, StoreError> {
        nodes::check(path, value)?;
        Ok(if path.starts_with('/') { path.into() } else { format!("{}/{path}", self.home) })
    }

    /// The absolute path, where the domain may use it.
    fn admit(&self, path: &str, value: &str) -> Result<String, StoreError> {
        self.check_broken()?;
        let path = self.resolve(path, value)?;
        let denied = self.denied.borrow().iter().any(|denied| is_at_or_below(&path, denied));
        if denied { Err(StoreError::Denied) } else { Ok(path) }
    }

    fn check_broken(&self) -> Result<(), StoreError> {
        if self.is_broken.get() { Err(StoreError::Broken) } else { Ok(()) }
    }

    /// Queues the events of a change.
    fn tell(&self, path: &str, removed: bool) {
        self.changes.set(self.changes.get() + 1);
        for each in self.watches.borrow().iter() {
            let Ok(watched) = self.resolve(&each.path, "") else { continue };
            if is_at_or_below(path, &watched) {
                let below = &path[watched.len()..];
                self.queue_event(each.watch, format!("{}{below}", each.path));
            } else if removed && is_at_or_below(&watched, path) {
                self.queue_event(each.watch, each.path.clone());
            }
        }
    }

    fn queue_event(&self, watch: Watch, path: String) {
        self.queue.borrow_mut().push_back((watch, path));
        if let Some((events, source)) = self.bell {
            events.fire(source);
        }
    }

    fn log(&self, write: Write) {
        self.writes.borrow_mut().push(write);
    }
}

impl fmt::Debug for FakeStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeStore").field("nodes", &self.nodes).finish_non_exhaustive()
    }
}

impl Tree for &'static FakeStore {
    fn read(&self, path: &str) -> Result<String, StoreError> {
        let path = self.admit(path, "")?;
        self.nodes.borrow().read(&path)
    }

    fn list(&self, path: &str) -> Result<Vec<String>, StoreError> {
        let path = self.admit(path, "")?;
        self.nodes.borrow().list(&path)
    }

    fn write(&self, path: &str, value: &str) -> Result<(), StoreError> {
        let absolute = self.admit(path, value)?;
        self.nodes.borrow_mut().write(&absolute, value);
        self.log(Write::Set(path.into(), value.into()));
        self.tell(&absolute, false);
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<(), StoreError> {
        let absolute = self.admit(path, "")?;
        let removed = self.nodes.borrow_mut().remove(&absolute)?;
        if removed {
            self.log(Write::Removed(path.into()));
            self.tell(&absolute, true);
        }
        Ok(())
    }
}

impl Xenstore for &'static FakeStore {
    fn transaction(
        &self,
        work: &mut dyn FnMut(&dyn Tree) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.check_broken()?;
        for _ in 0..TRIES {
            let transaction = self.begin();
            work(&transaction)?;
            let interference = self.interference.borrow_mut().pop_front();
            if let Some(change) = interference {
                change();
            }
            if transaction.commit() {
                return Ok(());
            }
        }
        Err(StoreError::Refused("EAGAIN".into()))
    }

    fn watch(&self, path: &str, changed: Changed) -> Result<Watch, StoreError> {
        self.check_broken()?;
        self.resolve(path, "")?;
        let watch = Watch(self.last_watch.get() + 1);
        self.last_watch.set(watch.0);
        self.watches.borrow_mut().push(Watching { watch, path: path.into(), changed: Rc::new(changed) });
        self.queue_event(watch, path.into());
        Ok(watch)
    }

    fn unwatch(&self, watch: Watch) {
        self.watches.borrow_mut().retain(|each| each.watch != watch);
    }
}
