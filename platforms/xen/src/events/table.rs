//! Which channels there are, the source of each, and who is told when one is signalled.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::mem;

use iface_clock::Instant;
use iface_event_channels::ChannelError;
use iface_events::{Handler, Source, SubscribeError};
use xen_abi::{DomainId, Errno, Port};

use crate::hypercall::MOST_POLLED;

/// `EINVAL` of `public/errno.h`.
const INVALID: Errno = Errno(22);

/// Xen's event channels.
pub(super) trait Channels {
    /// Opens a channel that domain `remote` may bind to.
    fn open(&self, remote: DomainId) -> Result<Port, Errno>;

    /// Closes a channel.
    fn close(&self, port: Port);

    /// Whether a channel was signalled since this was last asked.
    fn take_pending(&self, port: Port) -> bool;

    /// Waits until one of `ports` is pending, or for `deadline`. May return early.
    fn wait(&self, ports: &[Port], deadline: Option<Instant>);
}

/// Sources, their handlers and their channels.
pub(super) struct Table<C> {
    xen: C,
    state: RefCell<State>,
}

struct State {
    /// By source: whether it fired, and its handlers were not told yet.
    fired: Vec<bool>,
    /// Handlers are never removed.
    handlers: Vec<(Source, &'static dyn Fn())>,
    /// The channels, as Xen is told them, and the source of each.
    ports: Vec<Port>,
    owners: Vec<Source>,
}

impl State {
    fn is_source(&self, source: Source) -> bool {
        (source.0 as usize) < self.fired.len()
    }

    /// Makes room for another channel of `source`.
    fn reserve_channel(&mut self, source: Source) -> Result<(), ChannelError> {
        if !self.is_source(source) {
            return Err(ChannelError::Refused(INVALID));
        }
        let room = self.ports.len() < MOST_POLLED
            && self.ports.try_reserve(1).is_ok()
            && self.owners.try_reserve(1).is_ok();
        if room { Ok(()) } else { Err(ChannelError::Full) }
    }

    fn add_channel(&mut self, source: Source, port: Port) {
        self.ports.push(port);
        self.owners.push(source);
    }

    fn fire(&mut self, source: Source) {
        if let Some(fired) = self.fired.get_mut(source.0 as usize) {
            *fired = true;
        }
    }
}

impl<C: Channels> Table<C> {
    /// Without sources.
    pub const fn new(xen: C) -> Self {
        let state = State { fired: Vec::new(), handlers: Vec::new(), ports: Vec::new(), owners: Vec::new() };
        Self { xen, state: RefCell::new(state) }
    }

    pub fn source(&self) -> Result<Source, ChannelError> {
        let mut state = self.state.borrow_mut();
        let source = u32::try_from(state.fired.len()).map_err(|_| ChannelError::Full)?;
        state.fired.try_reserve(1).map_err(|_| ChannelError::Full)?;
        state.fired.push(false);
        Ok(Source(source))
    }

    pub fn open(&self, source: Source, remote: DomainId) -> Result<Port, ChannelError> {
        let mut state = self.state.borrow_mut();
        state.reserve_channel(source)?;
        let port = self.xen.open(remote).map_err(ChannelError::Refused)?;
        state.add_channel(source, port);
        Ok(port)
    }

    pub fn adopt(&self, source: Source, port: Port) -> Result<(), ChannelError> {
        let mut state = self.state.borrow_mut();
        state.reserve_channel(source)?;
        state.add_channel(source, port);
        Ok(())
    }

    pub fn close(&self, port: Port) {
        let mut state = self.state.borrow_mut();
        if let Some(index) = state.ports.iter().position(|of| *of == port) {
            state.ports.swap_remove(index);
            state.owners.swap_remove(index);
        }
        self.xen.close(port);
        // The number may name another channel soon, which was not signalled for this.
        self.xen.take_pending(port);
    }

    pub fn fire(&self, source: Source) {
        self.state.borrow_mut().fire(source);
    }

    /// The handler is called at the next poll, fired or not: what came before it was there would be lost.
    pub fn subscribe(&self, source: Source, handler: Handler) -> Result<(), SubscribeError> {
        let mut state = self.state.borrow_mut();
        if !state.is_source(source) {
            return Err(SubscribeError::NoSuchSource);
        }
        state.handlers.try_reserve(1).map_err(|_| SubscribeError::Full)?;
        state.handlers.push((source, Box::leak(handler)));
        state.fire(source);
        Ok(())
    }

    /// Calls the handlers of each source that fired, once. One that fires again meanwhile may have to wait for the next
    /// poll, so that this ends.
    pub fn poll(&self) -> bool {
        self.collect();
        let take = |source: usize| Some(mem::take(self.state.borrow_mut().fired.get_mut(source)?));
        let sources = (0..).map_while(|source| Some((source, take(source)?)));
        let fired = sources.filter(|(_, fired)| *fired);
        fired.map(|(source, _)| self.call(Source(source as u32))).count() > 0
    }

    /// Waits until a source fires, or for `deadline`, and calls the handlers.
    pub fn wait(&self, deadline: Option<Instant>) {
        if !self.poll() {
            // Nobody calls back while it waits.
            self.xen.wait(&self.state.borrow().ports, deadline);
            self.poll();
        }
    }

    /// Notes the source of each channel that was signalled.
    fn collect(&self) {
        let State { fired, ports, owners, .. } = &mut *self.state.borrow_mut();
        for (port, owner) in ports.iter().zip(owners) {
            if self.xen.take_pending(*port) {
                fired[owner.0 as usize] = true;
            }
        }
    }

    /// Calls the handlers of a source.
    fn call(&self, source: Source) {
        // A handler may open channels and subscribe others: no borrow is held while it runs.
        let handler = |index: usize| self.state.borrow().handlers.get(index).copied();
        for (_, handler) in (0..).map_while(handler).filter(|(of, _)| *of == source) {
            handler();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::BTreeSet;
    use std::rc::Rc;
    use std::vec;

    use proptest::prelude::*;

    use super::*;

    const DOMAIN: DomainId = DomainId(7);

    /// Xen's channels: numbers from 1 on, the lowest that is free.
    #[derive(Default)]
    struct Fake {
        open: RefCell<BTreeSet<Port>>,
        pending: RefCell<BTreeSet<Port>>,
        refuses: Cell<bool>,
        /// What was waited for, and what is signalled meanwhile.
        waited: RefCell<Vec<(Vec<Port>, Option<Instant>)>>,
        signals_in_wait: Cell<Option<Port>>,
    }

    impl Fake {
        fn signal(&self, port: Port) {
            assert!(self.open.borrow().contains(&port), "signalled a channel that is closed");
            self.pending.borrow_mut().insert(port);
        }
    }

    impl Channels for &Fake {
        fn open(&self, remote: DomainId) -> Result<Port, Errno> {
            assert_eq!(remote, DOMAIN);
            if self.refuses.get() {
                return Err(Errno(28));
            }
            let mut open = self.open.borrow_mut();
            let port = (1..).map(Port).find(|port| !open.contains(port)).unwrap();
            open.insert(port);
            Ok(port)
        }

        fn close(&self, port: Port) {
            assert!(self.open.borrow_mut().remove(&port), "closed a channel twice");
        }

        fn take_pending(&self, port: Port) -> bool {
            self.pending.borrow_mut().remove(&port)
        }

        fn wait(&self, ports: &[Port], deadline: Option<Instant>) {
            self.waited.borrow_mut().push((ports.to_vec(), deadline));
            if let Some(port) = self.signals_in_wait.take() {
                self.signal(port);
            }
        }
    }

    fn table() -> (&'static Fake, &'static Table<&'static Fake>) {
        let fake = Box::leak(Box::<Fake>::default());
        (fake, Box::leak(Box::new(Table::new(&*fake))))
    }

    /// Counts how often `source` is told of.
    fn count(table: &Table<&'static Fake>, source: Source) -> Rc<Cell<u32>> {
        let count = Rc::new(Cell::new(0));
        let counted = count.clone();
        table.subscribe(source, Box::new(move || counted.set(counted.get() + 1))).unwrap();
        table.poll();
        assert_eq!(count.replace(0), 1, "told once after it subscribed");
        count
    }

    #[test]
    fn a_source_fires_for_each_of_its_channels() {
        let (fake, table) = table();
        let (source, other) = (table.source().unwrap(), table.source().unwrap());
        let ports = [table.open(source, DOMAIN).unwrap(), table.open(source, DOMAIN).unwrap()];
        table.open(other, DOMAIN).unwrap();
        let (told, others) = (count(table, source), count(table, other));
        for port in ports {
            fake.signal(port);
            assert!(table.poll());
            assert!(!table.poll());
        }
        ports.iter().for_each(|port| fake.signal(*port));
        assert!(table.poll());
        assert_eq!((told.get(), others.get()), (3, 0), "two channels at once are told of once");
    }

    #[test]
    fn every_handler_of_a_source_is_called() {
        let (_, table) = table();
        let source = table.source().unwrap();
        let (one, two) = (count(table, source), count(table, source));
        one.set(0);
        table.fire(source);
        assert!(table.poll());
        assert_eq!((one.get(), two.get()), (1, 1));
    }

    #[test]
    fn a_closed_channel_fires_no_more_even_where_its_number_returns() {
        let (fake, table) = table();
        let source = table.source().unwrap();
        let told = count(table, source);
        let port = table.open(source, DOMAIN).unwrap();
        fake.signal(port);
        table.close(port);
        assert!(!table.poll());
        assert_eq!(table.open(source, DOMAIN), Ok(port));
        assert!(!table.poll());
        assert_eq!(told.get(), 0);
    }

    #[test]
    fn an_adopted_channel_is_as_any_other() {
        let (fake, table) = table();
        fake.open.borrow_mut().insert(Port(3));
        let source = table.source().unwrap();
        table.adopt(source, Port(3)).unwrap();
        let told = count(table, source);
        fake.signal(Port(3));
        table.wait(None);
        assert_eq!((told.get(), fake.waited.borrow().len()), (1, 0), "what is pending is not waited for");
    }

    #[test]
    fn waiting_names_all_channels_and_the_deadline() {
        let (fake, table) = table();
        let source = table.source().unwrap();
        let told = count(table, source);
        let ports = [table.open(source, DOMAIN).unwrap(), table.open(source, DOMAIN).unwrap()];
        fake.signals_in_wait.set(Some(ports[1]));
        let deadline = Some(Instant::from_nanos(5));
        table.wait(deadline);
        assert_eq!(*fake.waited.borrow(), [(ports.to_vec(), deadline)]);
        assert_eq!(told.get(), 1);
    }

    #[test]
    fn a_handler_may_do_everything() {
        let (fake, table) = table();
        let source = table.source().unwrap();
        let again = move || {
            let other = table.source().unwrap();
            let port = table.open(other, DOMAIN).unwrap();
            table.subscribe(other, Box::new(move || table.close(port))).unwrap();
            table.fire(source);
        };
        table.subscribe(source, Box::new(again)).unwrap();
        for _ in 0..3 {
            assert!(table.poll());
        }
        assert_eq!(fake.open.borrow().len(), 0, "each channel was closed by its handler, in the same poll");
        assert_eq!(table.source(), Ok(Source(4)));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let (fake, table) = table();
        let nothing = Source(0);
        assert_eq!(table.subscribe(nothing, Box::new(|| ())), Err(SubscribeError::NoSuchSource));
        assert_eq!(table.open(nothing, DOMAIN), Err(ChannelError::Refused(INVALID)));
        assert_eq!(table.adopt(nothing, Port(1)), Err(ChannelError::Refused(INVALID)));
        table.fire(nothing);
        assert!(!table.poll());
        let source = table.source().unwrap();
        fake.refuses.set(true);
        assert_eq!(table.open(source, DOMAIN), Err(ChannelError::Refused(Errno(28))));
        fake.refuses.set(false);
        let ports: Vec<_> = (0..MOST_POLLED).map(|_| table.open(source, DOMAIN).unwrap()).collect();
        assert_eq!(table.open(source, DOMAIN), Err(ChannelError::Full));
        assert_eq!(fake.open.borrow().len(), MOST_POLLED, "none is opened that can't be waited for");
        table.close(ports[5]);
        assert_eq!(table.open(source, DOMAIN), Ok(ports[5]));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Open(usize),
        Close(usize),
        Signal(usize),
        Fire(usize),
        Poll,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0usize..4).prop_map(Step::Open),
            (0usize..32).prop_map(Step::Close),
            (0usize..32).prop_map(Step::Signal),
            (0usize..4).prop_map(Step::Fire),
            Just(Step::Poll),
        ]
    }

    proptest! {
        /// Against a list of channels: after each poll exactly the sources were told of that fired before.
        #[test]
        fn the_sources_that_fired_are_told_of(steps in prop::collection::vec(step(), 1..60)) {
            let (fake, table) = table();
            let sources: Vec<_> = (0..4).map(|_| table.source().unwrap()).collect();
            let told: Vec<_> = sources.iter().map(|source| count(table, *source)).collect();
            let mut channels: Vec<(Port, usize)> = vec![];
            let mut fired = [false; 4];
            let mut signalled = BTreeSet::new();
            for step in steps.into_iter().chain([Step::Poll]) {
                match step {
                    Step::Open(owner) => channels.push((table.open(sources[owner], DOMAIN).unwrap(), owner)),
                    Step::Close(at) if at < channels.len() => {
                        let (port, _) = channels.swap_remove(at);
                        table.close(port);
                        signalled.remove(&port);
                    }
                    Step::Signal(at) if at < channels.len() => {
                        fake.signal(channels[at].0);
                        signalled.insert(channels[at].0);
                    }
                    Step::Fire(source) => {
                        table.fire(sources[source]);
                        fired[source] = true;
                    }
                    Step::Poll => {
                        for (port, owner) in &channels {
                            fired[*owner] |= signalled.contains(port);
                        }
                        prop_assert_eq!(table.poll(), fired != [false; 4]);
                        for (fired, told) in fired.iter().zip(&told) {
                            prop_assert_eq!(told.replace(0), u32::from(*fired));
                        }
                        fired = [false; 4];
                        signalled.clear();
                    }
                    Step::Close(_) | Step::Signal(_) => {}
                }
            }
        }
    }
}
