//! Every open socket by its number, and by the flow of the frames that are for it.

use alloc::{boxed::Box, vec::Vec};

use hashbrown::HashTable;
use iface_net_stack::{Binding, Readiness, Socket, SocketError};
use smoltcp::iface::SocketSet;

use crate::connection::Connection;
use crate::datagrams::Datagrams;
use crate::flow::{Flow, FlowHash, Transport};
use crate::listener::Listener;
use crate::machine::Machine;
use crate::notice::Notice;
use crate::poller::Watch;

/// What has a place in the table.
pub enum Entry {
    Free,
    /// A TCP socket that has an address and does nothing with it yet.
    Bound(Binding),
    Connection(Box<Connection>),
    Listener(Listener),
    Datagrams(Box<Datagrams>),
}

/// A place in the table.
pub struct Slot {
    generation: u32,
    pub entry: Entry,
    pub watch: Watch,
    pub notice: Option<Notice>,
    /// It waits for its turn to send.
    pub dirty: bool,
    /// It waits for its neighbor to be found.
    pub unresolved: bool,
}

impl Entry {
    /// The protocols' part of it; a connection that sleeps has none.
    pub fn sockets(&mut self) -> Option<&mut SocketSet<'static>> {
        match self {
            Self::Connection(connection) => connection.machine_mut().map(Machine::sockets),
            Self::Datagrams(datagrams) => Some(&mut datagrams.sockets),
            Self::Listener(_) | Self::Bound(_) | Self::Free => None,
        }
    }
}

/// All places; as many are used at once as the limit says.
pub struct Table {
    slots: Vec<Slot>,
    free: Vec<u32>,
    limit: usize,
    flows: HashTable<u32>,
    hash: FlowHash,
}

impl Table {
    /// Of at most `limit` sockets.
    pub const fn new(limit: usize, hash: FlowHash) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), limit, flows: HashTable::new(), hash }
    }

    /// Whether there is no place left.
    pub fn is_full(&self) -> bool {
        self.len() >= self.limit
    }

    /// Sockets in the table.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether there is memory for one more.
    pub fn reserve(&mut self) -> bool {
        let (slots, hash) = (&self.slots, self.hash);
        let hash_of = |number: &u32| flow_of(&slots[*number as usize].entry).map_or(0, |flow| hash.of(&flow));
        self.flows.try_reserve(1, hash_of).is_ok()
            && (!self.free.is_empty() || self.slots.try_reserve(1).is_ok())
    }

    /// Places that were ever used at once.
    pub const fn places(&self) -> usize {
        self.slots.len()
    }

    /// Puts `entry` in a free place; the caller has seen that there is one.
    pub fn insert(&mut self, entry: Entry) -> u32 {
        if let Some(number) = self.free.pop() {
            self.slots[number as usize].entry = entry;
            return number;
        }
        self.slots.push(Slot {
            generation: 0,
            entry,
            watch: Watch::default(),
            notice: None,
            dirty: false,
            unresolved: false,
        });
        self.slots.len() as u32 - 1
    }

    /// Takes what is at `number` out, and frees the place. Its flow is forgotten.
    pub fn remove(&mut self, number: u32) -> Entry {
        self.unlink(number);
        self.disown(number);
        let slot = &mut self.slots[number as usize];
        (slot.dirty, slot.unresolved) = (false, false);
        self.free.push(number);
        core::mem::replace(&mut slot.entry, Entry::Free)
    }

    /// Makes the names that were given out for `number` invalid, and ends its watch and notice.
    pub fn disown(&mut self, number: u32) {
        let slot = &mut self.slots[number as usize];
        slot.generation = slot.generation.wrapping_add(1);
        slot.watch.end();
        slot.notice = None;
    }

    /// Puts `entry` in the place of another, whose names it gets.
    pub fn replace(&mut self, number: u32, entry: Entry) {
        self.unlink(number);
        self.slots[number as usize].entry = entry;
        self.link(number);
    }

    /// The binding of what is bound and no more at `number`.
    pub fn bound(&self, number: u32) -> Option<Binding> {
        match self.slots[number as usize].entry {
            Entry::Bound(binding) => Some(binding),
            _ => None,
        }
    }

    /// The name of what is at `number`.
    pub fn name(&self, number: u32) -> Socket {
        Socket { index: number, generation: self.slots[number as usize].generation }
    }

    /// The number that `socket` names.
    pub fn resolve(&self, socket: Socket) -> Result<u32, SocketError> {
        match self.slots.get(socket.index as usize) {
            Some(slot) if slot.generation == socket.generation && !matches!(slot.entry, Entry::Free) => {
                Ok(socket.index)
            }
            _ => Err(SocketError::Closed),
        }
    }

    /// The place with `number`, which was given out by this table.
    pub fn slot(&mut self, number: u32) -> &mut Slot {
        &mut self.slots[number as usize]
    }

    /// The connection at `number`.
    pub fn connection(&mut self, number: u32) -> Option<&mut Connection> {
        match &mut self.slots.get_mut(number as usize)?.entry {
            Entry::Connection(connection) => Some(connection),
            _ => None,
        }
    }

    /// The listener at `number`.
    pub fn listener(&mut self, number: u32) -> Option<&mut Listener> {
        match &mut self.slots.get_mut(number as usize)?.entry {
            Entry::Listener(listener) => Some(listener),
            _ => None,
        }
    }

    /// The UDP socket at `number`.
    pub fn datagrams(&mut self, number: u32) -> Option<&mut Datagrams> {
        match &mut self.slots.get_mut(number as usize)?.entry {
            Entry::Datagrams(datagrams) => Some(datagrams),
            _ => None,
        }
    }

    /// What can be done with the socket at `number`.
    pub fn readiness(&self, number: u32) -> Readiness {
        match &self.slots[number as usize].entry {
            Entry::Free | Entry::Bound(_) => Readiness::NONE,
            Entry::Connection(connection) => connection.readiness(),
            Entry::Listener(listener) => Readiness { readable: listener.has_queued(), writable: false },
            Entry::Datagrams(datagrams) => datagrams.readiness(),
        }
    }

    /// Has frames of its flow find `number`.
    pub fn link(&mut self, number: u32) {
        let (slots, hash) = (&self.slots, self.hash);
        let Some(flow) = flow_of(&slots[number as usize].entry) else { return };
        self.flows.insert_unique(hash.of(&flow), number, |other| {
            flow_of(&slots[*other as usize].entry).map_or(0, |flow| hash.of(&flow))
        });
    }

    /// Ends that frames find `number`.
    pub fn unlink(&mut self, number: u32) {
        let Some(flow) = flow_of(&self.slots[number as usize].entry) else { return };
        if let Ok(found) = self.flows.find_entry(self.hash.of(&flow), |other| *other == number) {
            found.remove();
        }
    }

    /// The socket that has just this flow.
    pub fn find(&self, flow: &Flow) -> Option<u32> {
        let same = |number: &u32| flow_of(&self.slots[*number as usize].entry).as_ref() == Some(flow);
        self.flows.find(self.hash.of(flow), same).copied()
    }

    /// The listener or UDP socket that frames of `flow` are for: one at the address before one at every address.
    pub fn find_bound(&self, flow: &Flow) -> Option<u32> {
        let ends = [Flow::with_any_remote, Flow::with_any_address_of_version, Flow::with_any_address];
        ends.iter().find_map(|end| self.find_share(&end(*flow), flow))
    }

    /// Of those at `end` that take from everybody the one that has `flow`: always the same as long as they are.
    fn find_share(&self, end: &Flow, flow: &Flow) -> Option<u32> {
        let mut sharers = self.at(end).filter(|number| self.takes_from_everybody(*number));
        let first = sharers.next()?;
        match sharers.count() {
            0 => Some(first),
            others => {
                let place = self.hash.of(flow) % (others as u64 + 1);
                self.at(end).filter(|number| self.takes_from_everybody(*number)).nth(place as usize)
            }
        }
    }

    /// All that have just this flow.
    fn at(&self, flow: &Flow) -> impl Iterator<Item = u32> {
        let same = |number: &u32| flow_of(&self.slots[*number as usize].entry).as_ref() == Some(flow);
        self.flows.iter_hash(self.hash.of(flow)).copied().filter(same)
    }

    fn takes_from_everybody(&self, number: u32) -> bool {
        matches!(self.slots[number as usize].entry, Entry::Listener(_) | Entry::Datagrams(_))
    }

    /// Whether a socket at `flow` keeps one with `binding` from being there, too.
    pub fn excludes(&self, flow: &Flow, binding: &Binding) -> bool {
        self.at(flow).any(|number| {
            let other = binding_of(&self.slots[number as usize].entry);
            other.is_some_and(|other| !(other.shared && binding.shared))
        })
    }
}

fn flow_of(entry: &Entry) -> Option<Flow> {
    match entry {
        Entry::Connection(connection) => Some(connection.flow),
        Entry::Datagrams(datagrams) => Some(Flow::to(Transport::Udp, &datagrams.binding)),
        entry => binding_of(entry).map(|binding| Flow::to(Transport::Tcp, &binding)),
    }
}

/// Where what is open to everybody is bound.
pub fn binding_of(entry: &Entry) -> Option<Binding> {
    match entry {
        Entry::Free | Entry::Connection(_) => None,
        Entry::Bound(binding) => Some(*binding),
        Entry::Listener(listener) => Some(listener.binding),
        Entry::Datagrams(datagrams) => Some(datagrams.binding),
    }
}
