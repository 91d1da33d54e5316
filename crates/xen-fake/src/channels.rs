//! Channels of a domain under test, and the other ends of them.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use iface_event_channels::{ChannelError, DomainId, EventChannels, Port, Source};
use iface_events::fake::FakeEvents;

/// The first source given, above those that tests name by themselves.
const FIRST_SOURCE: u32 = 1000;

/// Event channels that fire sources of [`FakeEvents`] and count signals.
pub struct FakeChannels {
    events: &'static FakeEvents,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    channels: BTreeMap<Port, Channel>,
    sources: u32,
    /// Ports given until now: the next one is one more.
    ports: u32,
    limit: Option<usize>,
}

struct Channel {
    source: Source,
    /// Who may bind to it; `None` where Xen opened it.
    remote: Option<DomainId>,
    signals: u64,
    on_signal: Option<Rc<dyn Fn()>>,
}

impl FakeChannels {
    /// No channels, whose sources are those of `events` from `Source(1000)` on, for as long as the test runs.
    pub fn new(events: &'static FakeEvents) -> &'static Self {
        Box::leak(Box::new(Self { events, state: RefCell::default() }))
    }

    /// Refuses to open or adopt more than `channels`, with [`ChannelError::Full`].
    pub fn set_limit(&self, channels: usize) {
        self.state.borrow_mut().limit = Some(channels);
    }

    /// The ports of open channels, oldest first where the driver opened them.
    pub fn ports(&self) -> Vec<Port> {
        self.state.borrow().channels.keys().copied().collect()
    }

    /// Who may bind to a channel; `None` where Xen opened it, or where it is not open.
    pub fn remote(&self, port: Port) -> Option<DomainId> {
        self.state.borrow().channels.get(&port)?.remote
    }

    /// How often the driver signalled a channel since this was asked last.
    ///
    /// # Panics
    /// Where it is not open.
    pub fn take_signals(&self, port: Port) -> u64 {
        self.with(port, |channel| core::mem::take(&mut channel.signals))
    }

    /// Has `backend` called each time the driver signals a channel, at once; it replaces who was called before.
    ///
    /// # Panics
    /// Where the channel is not open.
    pub fn on_signal(&self, port: Port, backend: impl Fn() + 'static) {
        self.with(port, |channel| channel.on_signal = Some(Rc::new(backend)));
    }

    /// Signals the driver, as its backend. Nothing happens where the channel is not open.
    pub fn notify(&self, port: Port) {
        if let Some(channel) = self.state.borrow().channels.get(&port) {
            self.events.fire(channel.source);
        }
    }

    fn with<T>(&self, port: Port, access: impl FnOnce(&mut Channel) -> T) -> T {
        let mut state = self.state.borrow_mut();
        access(state.channels.get_mut(&port).unwrap_or_else(|| panic!("{port:?} is not open")))
    }
}

impl State {
    fn insert(&mut self, port: Port, source: Source, remote: Option<DomainId>) -> Result<(), ChannelError> {
        if self.limit.is_some_and(|limit| self.channels.len() >= limit) {
            return Err(ChannelError::Full);
        }
        let channel = Channel { source, remote, signals: 0, on_signal: None };
        assert!(self.channels.insert(port, channel).is_none(), "{port:?} is open already");
        Ok(())
    }
}

impl EventChannels for &'static FakeChannels {
    fn source(&self) -> Result<Source, ChannelError> {
        let mut state = self.state.borrow_mut();
        state.sources += 1;
        Ok(Source(FIRST_SOURCE + state.sources - 1))
    }

    fn open(&self, source: Source, remote: DomainId) -> Result<Port, ChannelError> {
        let mut state = self.state.borrow_mut();
        let port = Port(state.ports + 1);
        state.insert(port, source, Some(remote))?;
        state.ports += 1;
        Ok(port)
    }

    fn adopt(&self, source: Source, port: Port) -> Result<(), ChannelError> {
        self.state.borrow_mut().insert(port, source, None)
    }

    /// # Panics
    /// Where the channel is not open.
    fn signal(&self, port: Port) {
        let backend = self.with(port, |channel| {
            channel.signals += 1;
            channel.on_signal.clone()
        });
        if let Some(backend) = backend {
            backend();
        }
    }

    /// # Panics
    /// Where the channel is not open.
    fn close(&self, port: Port) {
        let closed = self.state.borrow_mut().channels.remove(&port);
        assert!(closed.is_some(), "{port:?} is closed, and not open");
    }

    fn fire(&self, source: Source) {
        self.events.fire(source);
    }
}
