//! Changes that are done at once or not at all.

use std::cell::RefCell;

use iface_xenstore::{StoreError, Tree};

use super::{FakeStore, Write, nodes::Nodes};

/// A copy of the tree, and what was done to it.
pub struct FakeTransaction {
    store: &'static FakeStore,
    nodes: RefCell<Nodes>,
    /// The store's count of changes at the beginning.
    began: u64,
    writes: RefCell<Vec<Write>>,
}

impl FakeTransaction {
    pub(super) fn new(store: &'static FakeStore, nodes: Nodes, began: u64) -> Self {
        Self { store, nodes: RefCell::new(nodes), began, writes: RefCell::default() }
    }

    /// Does what was done here to the store. False where somebody changed the store meanwhile: nothing is done then.
    pub fn commit(self) -> bool {
        if self.store.changes.get() != self.began {
            return false;
        }
        self.store.nodes.replace(self.nodes.into_inner());
        for write in self.writes.into_inner() {
            let (path, removed) = match &write {
                Write::Set(path, _) => (path, false),
                Write::Removed(path) => (path, true),
            };
            let absolute = self.store.resolve(path, "").expect("it was resolved before");
            self.store.tell(&absolute, removed);
            self.store.log(write);
        }
        true
    }
}

impl Tree for FakeTransaction {
    fn read(&self, path: &str) -> Result<String, StoreError> {
        let path = self.store.admit(path, "")?;
        self.nodes.borrow().read(&path)
    }

    fn list(&self, path: &str) -> Result<Vec<String>, StoreError> {
        let path = self.store.admit(path, "")?;
        self.nodes.borrow().list(&path)
    }

    fn write(&self, path: &str, value: &str) -> Result<(), StoreError> {
        let absolute = self.store.admit(path, value)?;
        self.nodes.borrow_mut().write(&absolute, value);
        self.writes.borrow_mut().push(Write::Set(path.into(), value.into()));
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<(), StoreError> {
        let absolute = self.store.admit(path, "")?;
        if self.nodes.borrow_mut().remove(&absolute)? {
            self.writes.borrow_mut().push(Write::Removed(path.into()));
        }
        Ok(())
    }
}
