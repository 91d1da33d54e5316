//! The network-stack interface over the engine, and the threads that drive it.
//!
//! Whoever waits for a socket drives the card; a small thread of the room's own does so while nobody waits.

use alloc::vec::Vec;
use core::cell::{Cell, RefCell, RefMut};
use core::net::{IpAddr, SocketAddr};

use iface_clock::{Clock, Duration, Instant};
use iface_net_device::NetDevice;
use iface_net_stack::{
    Binding, Event, NetStack, OpenError, Poller, Progress, Readiness, ResolveError, Socket, SocketError, Told,
};
use iface_scheduler::{Scheduler, ThreadId};
use smoltcp::wire::{DnsQueryType, IpAddress, IpCidr};

use crate::engine::Engine;

/// How long a name server is waited for, a little more than the protocols try one.
const RESOLVE_LIMIT: Duration = Duration::from_secs(32);

/// A question that failed sooner than this was answered.
const NAME_SERVER_PATIENCE: Duration = Duration::from_secs(10);

/// The stack and what drives it.
pub struct Stack<D, C, S> {
    pub(crate) engine: RefCell<Engine<D>>,
    clock: C,
    scheduler: S,
    /// Threads that wait and would drive the card when it fires, the latest last.
    drivers: RefCell<Vec<ThreadId>>,
    tender: Cell<Option<ThreadId>>,
    /// The tender was called and has not come yet.
    tender_called: Cell<bool>,
    /// When the tender comes by itself.
    tender_until: Cell<Option<Instant>>,
}

impl<D: NetDevice, C: Clock, S: Scheduler> Stack<D, C, S> {
    /// Drives `engine`; until there is a [tender](Stack::set_tender) nobody does in the background.
    pub const fn new(engine: Engine<D>, clock: C, scheduler: S) -> Self {
        Self {
            engine: RefCell::new(engine),
            clock,
            scheduler,
            drivers: RefCell::new(Vec::new()),
            tender: Cell::new(None),
            tender_called: Cell::new(false),
            tender_until: Cell::new(None),
        }
    }

    /// Names the thread that runs [`tend`](Stack::tend) in a loop.
    pub fn set_tender(&self, thread: ThreadId) {
        self.tender.set(Some(thread));
        self.tender_called.set(true);
    }

    /// Has the card's frames received by whoever waits, or by the tender.
    pub fn on_event(&self) {
        self.engine.borrow_mut().on_event();
        let driver = self.drivers.borrow().last().copied();
        match driver {
            Some(driver) => self.scheduler.unpark(driver),
            None => self.call_tender(),
        }
    }

    /// Does everything there is to do, and says when there will be more.
    pub fn tend(&self) -> Option<Instant> {
        self.tender_called.set(false);
        loop {
            let mut engine = self.engine.borrow_mut();
            let now = self.clock.now();
            let next = engine.next_timer();
            if !engine.is_busy() && next.is_none_or(|next| now < next) {
                self.tender_until.set(next);
                return next;
            }
            engine.round(now);
            engine.send();
            engine.rest();
            self.wake(&mut engine);
            drop(engine);
            self.scheduler.yield_now();
        }
    }

    fn call_tender(&self) {
        if !self.tender_called.replace(true)
            && let Some(tender) = self.tender.get()
        {
            self.scheduler.unpark(tender);
        }
    }

    fn wake(&self, engine: &mut RefMut<'_, Engine<D>>) {
        for thread in engine.wakes.drain(..) {
            self.scheduler.unpark(thread);
        }
    }

    /// Runs `operation` on the engine, then calls who has to go on from there.
    fn enter<T>(&self, operation: impl FnOnce(&mut Engine<D>) -> T) -> T {
        let mut engine = self.engine.borrow_mut();
        let result = operation(&mut engine);
        self.wake(&mut engine);
        let sooner = match (engine.next_timer(), self.tender_until.get()) {
            (Some(next), Some(until)) => next < until,
            (next, None) => next.is_some(),
            (None, _) => false,
        };
        if sooner || engine.is_busy() {
            self.call_tender();
        }
        result
    }

    /// Parks the running thread until its cause for waiting may be gone, and has it drive the card meanwhile.
    fn park(&self, deadline: Option<Instant>) {
        let thread = self.scheduler.current();
        self.drivers.borrow_mut().push(thread);
        self.scheduler.park(deadline);
        self.drivers.borrow_mut().retain(|driver| *driver != thread);
    }

    fn is_past(&self, deadline: Option<Instant>) -> bool {
        deadline.is_some_and(|deadline| deadline <= self.clock.now())
    }

    /// Drives the card until `done` gives a value, or `deadline`.
    pub fn drive<T>(
        &self,
        deadline: Instant,
        mut done: impl FnMut(&mut Engine<D>) -> Option<T>,
    ) -> Option<T> {
        loop {
            let thread = self.scheduler.current();
            let step = |engine: &mut Engine<D>| {
                engine.round(self.clock.now());
                if let Some(value) = done(engine) {
                    return Some(value);
                }
                engine.send();
                engine.housekeeping.waiting.retain(|other| *other != thread);
                engine.housekeeping.waiting.push(thread);
                while !engine.rest() {
                    engine.round(self.clock.now());
                }
                done(engine)
            };
            if let Some(value) = self.enter(step) {
                return Some(value);
            }
            if self.is_past(Some(deadline)) {
                return None;
            }
            let next = self.engine.borrow().next_timer();
            self.park(Some(next.map_or(deadline, |next| next.min(deadline))));
        }
    }

    fn ask(&self, name: &str, kind: DnsQueryType) -> Result<Vec<IpAddr>, ResolveError> {
        let begin = self.clock.now();
        let query = self.enter(|engine| engine.housekeeping.ask(&mut engine.interface, name, kind))?;
        match self.drive(begin + RESOLVE_LIMIT, |engine| engine.housekeeping.answer(query)) {
            Some(Ok(addresses)) => Ok(addresses),
            Some(Err(())) if self.clock.now().since(begin) < NAME_SERVER_PATIENCE => {
                Err(ResolveError::NotFound)
            }
            _ => Err(ResolveError::TimedOut),
        }
    }

    /// Which kinds of address this host could use.
    fn families(&self) -> (bool, bool) {
        let engine = self.engine.borrow();
        let addresses = engine.interface.ip_addrs();
        let global = |cidr: &IpCidr| match cidr.address() {
            IpAddress::Ipv4(_) => false,
            IpAddress::Ipv6(address) => !address.is_unicast_link_local(),
        };
        (addresses.iter().any(|cidr| matches!(cidr, IpCidr::Ipv4(_))), addresses.iter().any(global))
    }
}

/// The stack as it is given to who needs it.
pub struct Handle<D: 'static, C: 'static, S: 'static>(pub(crate) &'static Stack<D, C, S>);

impl<D, C, S> Clone for Handle<D, C, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D, C, S> Copy for Handle<D, C, S> {}

impl<D: NetDevice, C: Clock, S: Scheduler> NetStack for Handle<D, C, S> {
    fn addresses(&self) -> Vec<(IpAddr, u8)> {
        let engine = self.0.engine.borrow();
        engine.interface.ip_addrs().iter().map(|cidr| (cidr.address().into(), cidr.prefix_len())).collect()
    }

    fn name_servers(&self) -> Vec<IpAddr> {
        self.0.engine.borrow().housekeeping.name_servers.iter().copied().map(IpAddr::from).collect()
    }

    fn tcp_listen(&self, local: SocketAddr, backlog: usize) -> Result<Socket, OpenError> {
        self.0.enter(|engine| engine.listen(local.into(), backlog))
    }

    fn tcp_accept(&self, listener: Socket) -> Result<(Socket, SocketAddr), SocketError> {
        self.0.enter(|engine| engine.accept(listener))
    }

    fn tcp_connect(&self, remote: SocketAddr) -> Result<Socket, OpenError> {
        self.0.enter(|engine| engine.connect(remote))
    }

    fn tcp_bind(&self, binding: Binding) -> Result<Socket, OpenError> {
        self.0.enter(|engine| engine.bind_tcp(binding))
    }

    fn tcp_listen_at(&self, bound: Socket, backlog: usize) -> Result<(), OpenError> {
        self.0.enter(|engine| engine.listen_at(bound, backlog))
    }

    fn tcp_connect_from(&self, bound: Socket, remote: SocketAddr) -> Result<(), OpenError> {
        self.0.enter(|engine| engine.connect_from(bound, remote))
    }

    fn progress(&self, socket: Socket) -> Result<Progress, SocketError> {
        self.0.engine.borrow_mut().progress(socket)
    }

    fn unread(&self, socket: Socket) -> usize {
        self.0.engine.borrow_mut().unread(socket)
    }

    fn recv(&self, socket: Socket, buffer: &mut [u8]) -> Result<usize, SocketError> {
        self.0.enter(|engine| engine.recv(socket, buffer))
    }

    fn send(&self, socket: Socket, bytes: &[u8]) -> Result<usize, SocketError> {
        self.0.enter(|engine| engine.send_bytes(socket, bytes))
    }

    fn shutdown(&self, socket: Socket) -> Result<(), SocketError> {
        self.0.enter(|engine| engine.shutdown(socket))
    }

    fn udp_bind(&self, binding: Binding) -> Result<Socket, OpenError> {
        self.0.enter(|engine| engine.bind(binding))
    }

    fn udp_connect(&self, socket: Socket, remote: Option<SocketAddr>) -> Result<(), OpenError> {
        self.0.engine.borrow_mut().connect_datagrams(socket, remote)
    }

    fn send_to(&self, socket: Socket, bytes: &[u8], remote: SocketAddr) -> Result<(), SocketError> {
        self.0.enter(|engine| engine.send_to(socket, bytes, remote))
    }

    fn recv_from(&self, socket: Socket, buffer: &mut [u8]) -> Result<(usize, SocketAddr), SocketError> {
        self.0.enter(|engine| engine.recv_from(socket, buffer))
    }

    fn local(&self, socket: Socket) -> Result<SocketAddr, SocketError> {
        self.0.engine.borrow_mut().local(socket)
    }

    fn close(&self, socket: Socket) {
        let now = self.0.clock.now();
        self.0.enter(|engine| engine.close(socket, now));
    }

    fn abort(&self, socket: Socket) {
        self.0.enter(|engine| engine.abort_socket(socket));
    }

    fn readiness(&self, socket: Socket) -> Readiness {
        let engine = self.0.engine.borrow();
        engine.table.resolve(socket).map_or(Readiness::NONE, |number| engine.table.readiness(number))
    }

    fn notify(&self, socket: Socket, told: Option<Told>) -> Result<(), SocketError> {
        self.0.engine.borrow_mut().set_notice(socket, told)
    }

    fn poller(&self) -> Poller {
        self.0.engine.borrow_mut().pollers.create()
    }

    fn watch(
        &self,
        poller: Poller,
        socket: Socket,
        interest: Readiness,
        token: usize,
    ) -> Result<(), SocketError> {
        self.0.enter(|engine| engine.watch(poller, socket, interest, token))
    }

    fn wait(&self, poller: Poller, events: &mut [Event], deadline: Option<Instant>) -> usize {
        let thread = self.0.scheduler.current();
        loop {
            let (count, rests) = self.0.enter(|engine| {
                engine.round(self.0.clock.now());
                let count = engine.collect(poller, events);
                if count > 0 {
                    return (count, true);
                }
                engine.send();
                engine.pollers.set_waiting(poller, Some(thread));
                (0, engine.rest())
            });
            if count > 0 || events.is_empty() || self.0.is_past(deadline) {
                self.0.engine.borrow_mut().pollers.set_waiting(poller, None);
                return count;
            }
            if rests {
                self.0.park(deadline);
            }
        }
    }

    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        if let Ok(address) = name.parse() {
            return Ok([address].into());
        }
        let (ipv4, ipv6) = self.0.families();
        let ipv4 = ipv4 || !ipv6;
        let mut found = Vec::new();
        let mut failure = ResolveError::NotFound;
        for kind in
            [ipv4.then_some(DnsQueryType::A), ipv6.then_some(DnsQueryType::Aaaa)].into_iter().flatten()
        {
            match self.0.ask(name, kind) {
                Ok(addresses) => found.extend(addresses),
                Err(error) => failure = error,
            }
        }
        if found.is_empty() { Err(failure) } else { Ok(found) }
    }
}
