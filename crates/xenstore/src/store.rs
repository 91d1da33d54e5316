//! The client as the interface has it.

use alloc::string::String;
use alloc::vec::Vec;

use iface_event_channels::EventChannels;
use iface_scheduler::Scheduler;
use iface_xenstore::{Changed, StoreError, Tree, Watch, Xenstore};

use crate::client::Client;
use crate::wire::{self, Type};

/// How often a transaction is tried.
const TRIES: u32 = 100;

/// The tree, in a transaction or (0) outside.
pub(crate) struct Store<V: 'static, S: 'static> {
    client: &'static Client<V, S>,
    transaction: u32,
}

impl<V, S> Store<V, S> {
    pub(crate) fn new(client: &'static Client<V, S>) -> Self {
        Self { client, transaction: 0 }
    }
}

impl<V, S> Clone for Store<V, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V, S> Copy for Store<V, S> {}

impl<V: EventChannels, S: Scheduler> Store<V, S> {
    /// Asks about `path`, with `value` behind it.
    fn ask(&self, kind: Type, path: &str, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        if path.contains('\0') {
            // The store would take what follows for something else.
            return Err(invalid());
        }
        self.client.ask(kind, self.transaction, &[path.as_bytes(), b"\0", value])
    }

    fn begin(&self) -> Result<Self, StoreError> {
        let number = self.client.ask(Type::TransactionStart, 0, &[b"\0"])?;
        Ok(Self { client: self.client, transaction: wire::transaction(number)? })
    }

    fn end(self, commit: bool) -> Result<(), StoreError> {
        let word: &[u8] = if commit { b"T\0" } else { b"F\0" };
        self.client.ask(Type::TransactionEnd, self.transaction, &[word]).map(drop)
    }
}

impl<V: EventChannels, S: Scheduler> Tree for Store<V, S> {
    fn read(&self, path: &str) -> Result<String, StoreError> {
        wire::text(self.ask(Type::Read, path, b"")?)
    }

    fn list(&self, path: &str) -> Result<Vec<String>, StoreError> {
        wire::names(self.ask(Type::Directory, path, b"")?)
    }

    fn write(&self, path: &str, value: &str) -> Result<(), StoreError> {
        self.ask(Type::Write, path, value.as_bytes()).map(drop)
    }

    fn remove(&self, path: &str) -> Result<(), StoreError> {
        self.ask(Type::Remove, path, b"").map(drop)
    }
}

impl<V: EventChannels, S: Scheduler> Xenstore for Store<V, S> {
    fn transaction(
        &self,
        work: &mut dyn FnMut(&dyn Tree) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let transaction = self.begin()?;
            if let Err(error) = work(&transaction) {
                // What went wrong first is what the caller is to know.
                let _ = transaction.end(false);
                return Err(error);
            }
            match transaction.end(true) {
                Err(StoreError::Refused(name)) if name == "EAGAIN" => {}
                end => return end,
            }
        }
        Err(StoreError::Refused("EAGAIN".into()))
    }

    fn watch(&self, path: &str, changed: Changed) -> Result<Watch, StoreError> {
        if path.contains('\0') {
            return Err(invalid());
        }
        self.client.watch(path, changed)
    }

    fn unwatch(&self, watch: Watch) {
        self.client.unwatch(watch);
    }
}

fn invalid() -> StoreError {
    StoreError::Refused("EINVAL".into())
}
