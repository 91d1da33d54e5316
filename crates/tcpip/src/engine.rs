//! Moves frames between the card and the sockets they are for.
//!
//! A frame's socket is found by its addresses and ports, and the protocols see that socket alone, so a packet costs
//! the same with ten connections as with ten thousand. A socket is asked what it has to send only after something
//! happened to it: a frame came, the application used it, its timer ran out, its neighbor was found.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::net::IpAddr;

use iface_clock::{Duration, Instant};
use iface_net_device::NetDevice;
use iface_net_stack::{Event, Poller, Readiness, SocketError};
use iface_scheduler::ThreadId;
use smoltcp::iface::{Interface, PollResult, SocketSet};
use smoltcp::socket::tcp::State;
use smoltcp::wire::IpAddress;

use crate::connection::{Connection, Role, Tuning};
use crate::datagrams::Room;
use crate::drowsy::Drowsy;
use crate::flow::{Flow, FlowHash, Peek, Segment, flag, peek, peek_packet};
use crate::housekeeping::Housekeeping;
use crate::loopback;
use crate::machine::Machine;
use crate::poller::Pollers;
use crate::port::{Exchange, Port, Sent, Way};
use crate::reply;
use crate::sleep;
use crate::surplus::Surplus;
use crate::table::{Entry, Table};
use crate::time_wait::{Answer, TimeWait};
use crate::timers::Timers;

/// Frames taken from the card before the application has a turn.
const FRAMES_PER_ROUND: usize = 128;

/// Sockets that send before frames are received: what many send at once is answered at once, and the answers wait for the
/// card in a queue that is no longer than its ring.
const SOCKETS_PER_ROUND: usize = 128;

/// Segments a socket sends before the next socket has a turn.
const SEGMENTS_PER_TURN: usize = 32;

/// State machines kept for the next connection, to spare the allocator two buffers each.
const SPARE_MACHINES: usize = 8;

/// A handshake may make place for another one after this time, once the listener is full: long enough for most peers to
/// answer, and short so that a flood holds the places no longer. What came in this time has to be received: while the image
/// was kept from running, the answer may have come, behind the frame that asks for the place.
const HALF_OPEN_GRACE: Duration = Duration::from_millis(100);

/// When a socket that wants to send at once but does not is asked again.
const RETRY: Duration = Duration::from_millis(10);

/// Limits and habits; the fields are the room's options.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub sockets: usize,
    pub backlog: usize,
    pub linger: Duration,
    pub ipv6: bool,
    pub tuning: Tuning,
    pub datagrams: Room,
}

/// The stack without its threads.
pub struct Engine<D> {
    pub port: Port<D>,
    /// The protocols over the card.
    pub interface: Interface,
    /// The protocols from this host to itself.
    pub loopback: Interface,
    pub table: Table,
    pub time_wait: TimeWait,
    pub pollers: Pollers,
    pub housekeeping: Housekeeping,
    pub limits: Limits,
    pub now: Instant,
    /// Threads to be woken once the engine is free.
    pub wakes: Vec<ThreadId>,
    pub timers: Timers,
    /// Sockets that may have something to send.
    dirty: VecDeque<u32>,
    /// Sockets whose neighbor is asked for.
    unresolved: Vec<u32>,
    pub spare: Vec<Machine>,
    surplus: Surplus,
    pub drowsy: Drowsy,
    /// Connections can be woken, so they may sleep.
    pub sleeps: bool,
    /// Who sees packets of loopback that are for no socket.
    nobody: SocketSet<'static>,
    random: u64,
    /// When there was no frame left to receive.
    caught_up: Instant,
    /// The card fires when a frame comes.
    armed: bool,
    /// The card fires when it has room again.
    blocked: bool,
}

/// The protocols' form of a point in time.
pub fn micros(at: Instant) -> smoltcp::time::Instant {
    smoltcp::time::Instant::from_micros((at.as_nanos() / 1000) as i64)
}

/// A point in time that the protocols named.
pub fn instant(at: smoltcp::time::Instant) -> Instant {
    Instant::from_nanos((at.total_micros().max(0) as u64).saturating_mul(1000))
}

impl<D: NetDevice> Engine<D> {
    /// Over a card that is not armed.
    pub fn new(
        port: Port<D>,
        interface: Interface,
        loopback: Interface,
        housekeeping: Housekeeping,
        limits: Limits,
        hash: FlowHash,
        surplus: Surplus,
    ) -> Self {
        Self {
            port,
            interface,
            loopback,
            table: Table::new(limits.sockets, hash),
            time_wait: TimeWait::new(hash),
            pollers: Pollers::default(),
            housekeeping,
            limits,
            now: Instant::START,
            wakes: Vec::new(),
            timers: Timers::default(),
            dirty: VecDeque::new(),
            unresolved: Vec::new(),
            spare: Vec::new(),
            surplus,
            drowsy: Drowsy::default(),
            sleeps: sleep::is_possible(&limits.tuning),
            nobody: SocketSet::new(Vec::new()),
            random: hash.0[0],
            caught_up: Instant::START,
            armed: false,
            blocked: false,
        }
    }

    /// One round: what waits is sent, then frames are received. What the sockets have to answer waits for the next
    /// round, so that the application's own answer goes with it.
    pub fn round(&mut self, now: Instant) {
        self.now = now;
        while let Some(number) = self.timers.pop(now) {
            self.on_timer(number);
        }
        self.lull();
        self.send();
        self.receive();
        self.receive_own();
        self.keep_house();
        self.port.device.flush();
    }

    /// Has sockets send that may have something to; where there are many, the rest are left to the next round.
    pub fn send(&mut self) {
        for _ in 0..self.dirty.len().min(SOCKETS_PER_ROUND) {
            let Some(number) = self.dirty.pop_front() else { break };
            let slot = self.table.slot(number);
            if !core::mem::take(&mut slot.dirty) {
                continue;
            }
            if !self.egress(number) {
                self.mark_dirty(number);
                if !self.make_room() {
                    break;
                }
            }
        }
        self.port.device.flush();
    }

    /// Whether the card has room again after it was told to send what it has.
    fn make_room(&mut self) -> bool {
        self.port.device.flush();
        self.blocked = !self.port.device.can_transmit();
        !self.blocked
    }

    /// Asks the card to fire for the next frame. Returns false where there is work left: then it may not.
    pub fn rest(&mut self) -> bool {
        if self.has_work() {
            return false;
        }
        self.armed = self.armed || self.port.device.arm();
        self.armed
    }

    /// The card fired.
    pub fn on_event(&mut self) {
        self.port.device.acknowledge();
        self.port.device.disarm();
        (self.armed, self.blocked) = (false, false);
    }

    /// Mentions of sockets that wait for a turn, a neighbor or a time.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.dirty.len() + self.unresolved.len() + self.timers.len()
    }

    /// Whether somebody has to come back without being called.
    pub fn is_busy(&self) -> bool {
        !self.armed || self.has_work() || self.housekeeping.dirty
    }

    /// Whether something can be sent, or received from this host itself.
    fn has_work(&self) -> bool {
        (!self.dirty.is_empty() && !self.blocked) || self.port.loopback.len() > 0
    }

    /// When there is something to do though no frame comes.
    pub fn next_timer(&self) -> Option<Instant> {
        let earlier = |one: Option<Instant>, other: Option<Instant>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        earlier(earlier(self.timers.earliest(), self.drowsy.earliest()), self.housekeeping.at)
    }

    /// Has a socket asked in the next round for what it has to send.
    pub fn mark_dirty(&mut self, number: u32) {
        let slot = self.table.slot(number);
        if !core::mem::replace(&mut slot.dirty, true) {
            self.dirty.push_back(number);
        }
    }

    /// Tells the poller that watches `number`, if it is ready for what is waited for, and whoever is told of it, if it is
    /// ready for some of `news`.
    pub fn notify(&mut self, number: u32, news: Readiness) {
        let slot = self.table.slot(number);
        let (is_watched, interest) = (slot.watch.is_open(), slot.watch.interest);
        if !is_watched && slot.notice.is_none() {
            return;
        }
        let ready = self.table.readiness(number);
        let slot = self.table.slot(number);
        if let Some(notice) = &mut slot.notice {
            notice.tell(ready, news);
        }
        if is_watched && !ready.and(interest).is_none() {
            let woken = self.pollers.list(number, &mut slot.watch);
            self.wakes.extend(woken);
        }
    }

    /// Fills `events` with sockets of `poller` that are ready. Each one listed is looked at once.
    pub fn collect(&mut self, poller: Poller, events: &mut [Event]) -> usize {
        let mut count = 0;
        for _ in 0..self.pollers.listed(poller) {
            if count == events.len() {
                break;
            }
            let Some(mention) = self.pollers.next(poller) else { break };
            let readiness = self.table.readiness(mention.number);
            let watch = &mut self.table.slot(mention.number).watch;
            if !watch.is_of(mention) {
                continue;
            }
            let ready = readiness.and(watch.interest);
            if ready.is_none() {
                watch.unlist();
                continue;
            }
            events[count] = Event { token: watch.token, ready };
            count += 1;
            self.pollers.keep(poller, mention);
        }
        count
    }

    /// A number that a peer can't foresee: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
    /// Generators, 2014) from a secret beginning.
    pub fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn on_timer(&mut self, number: u32) {
        let now = self.now;
        match self.table.connection(number) {
            Some(connection) if connection.is_asleep() => self.stir(number),
            Some(Connection { role: Role::Orphan(give_up), .. }) if *give_up <= now => self.abort(number),
            _ => self.mark_dirty(number),
        }
    }

    fn receive(&mut self) {
        for _ in 0..FRAMES_PER_ROUND {
            let Some(frame) = self.port.device.receive() else {
                self.caught_up = self.now;
                return;
            };
            if core::mem::take(&mut self.armed) {
                self.port.device.disarm();
            }
            self.ingress(frame.as_ref());
            self.port.device.recycle(frame);
        }
    }

    /// Receives what this host sent to itself; what it answers waits for the next round.
    fn receive_own(&mut self) {
        for _ in 0..self.port.loopback.len() {
            let Some(packet) = self.port.loopback.receive() else { return };
            match peek_packet(&packet) {
                Peek::Tcp(segment) => self.ingress_tcp(Way::Loopback, &segment, &packet),
                Peek::Udp(flow) => self.ingress_udp(Way::Loopback, &flow, &packet),
                Peek::Refusal(flow) => self.refuse(&flow),
                _ => self.ingress_own(&packet),
            }
            self.port.loopback.recycle(packet);
        }
    }

    fn ingress(&mut self, frame: &[u8]) {
        match peek(frame) {
            Peek::Tcp(segment) => self.ingress_tcp(Way::Card, &segment, frame),
            Peek::Udp(flow) => self.ingress_udp(Way::Card, &flow, frame),
            Peek::Refusal(flow) => self.refuse(&flow),
            Peek::Neighbor => {
                self.ingress_other(frame, true);
                self.housekeeping.routers.hear(&mut self.interface, frame, self.now);
                self.retry_unresolved();
            }
            Peek::Other => self.ingress_other(frame, false),
            Peek::Fragment => {}
        }
    }

    /// Tells a UDP socket that nobody receives what it sends.
    fn refuse(&mut self, flow: &Flow) {
        let Some(number) = self.table.find_bound(flow) else { return };
        if let Some(datagrams) = self.table.datagrams(number) {
            datagrams.refuse(flow.remote().into());
            self.notify(number, Readiness::READABLE);
        }
    }

    fn ingress_udp(&mut self, way: Way, flow: &Flow, frame: &[u8]) {
        match (self.table.find_bound(flow), way) {
            // Nobody else has an address of this host.
            (Some(_), Way::Card) if self.is_own(flow.remote().0) => {}
            (Some(number), _) => self.deliver_datagram(way, number, frame),
            (None, Way::Card) => self.ingress_other(frame, true),
            (None, Way::Loopback) => self.ingress_own(frame),
        }
    }

    /// Has every socket that waits for its neighbor try again. Whose neighbor was not the one that was heard of stays.
    fn retry_unresolved(&mut self) {
        let mut unresolved = core::mem::take(&mut self.unresolved);
        unresolved.retain(|number| self.table.slot(*number).unresolved);
        unresolved.iter().for_each(|number| self.mark_dirty(*number));
        self.unresolved = unresolved;
    }

    /// Follows whether `number` waits for its neighbor.
    fn follow_resolution(&mut self, number: u32, sent: &Sent) {
        let unresolved = &mut self.table.slot(number).unresolved;
        if sent.unresolved && !core::mem::replace(unresolved, true) {
            if self.unresolved.len() > self.table.len() {
                // There are old mentions of this socket, or of ones that are gone or got through.
                self.unresolved.retain(|other| *other != number && self.table.slot(*other).unresolved);
            }
            self.unresolved.push(number);
        } else if sent.delivered && !sent.unresolved {
            *unresolved = false;
        }
    }

    fn ingress_tcp(&mut self, way: Way, segment: &Segment, frame: &[u8]) {
        if let Some(number) = self.table.find(&segment.flow) {
            return self.deliver(way, number, segment, frame);
        }
        // Connections of this host with itself leave nothing behind: no packet of theirs comes late.
        match self.time_wait.answer(segment, self.now) {
            Some(Answer::Acknowledge(record)) => return reply::acknowledge(&mut self.port, &record, frame),
            Some(Answer::Ignore) => return,
            Some(Answer::Open) | None => {}
        }
        match self.table.find_bound(&segment.flow) {
            Some(number) if segment.opens() => self.admit(way, number, segment, frame),
            _ if way == Way::Loopback => self.ingress_own(frame),
            _ => self.ingress_other(frame, false),
        }
    }

    /// A packet of this host that is for no socket of it.
    fn ingress_own(&mut self, packet: &[u8]) {
        let mut port = self.port.with(Way::Loopback, packet);
        self.loopback.poll_ingress_single(micros(self.now), &mut port, &mut self.nobody);
    }

    /// A frame that is for no socket of an application.
    fn ingress_other(&mut self, frame: &[u8], concerns_housekeeping: bool) {
        let (port, sockets) = (&mut self.port.with(Way::Card, frame), &mut self.housekeeping.sockets);
        self.interface.poll_ingress_single(micros(self.now), port, sockets);
        self.housekeeping.dirty |= concerns_housekeeping;
    }

    /// Shows `frame` to the protocols, which see the socket `number` alone.
    fn exchange(&mut self, way: Way, frame: &[u8], number: u32) {
        let interface = way.of(&mut self.interface, &mut self.loopback);
        if let Some(sockets) = self.table.slot(number).entry.sockets() {
            interface.poll_ingress_single(micros(self.now), &mut self.port.with(way, frame), sockets);
        }
    }

    fn deliver_datagram(&mut self, way: Way, number: u32, frame: &[u8]) {
        self.exchange(way, frame, number);
        self.notify(number, Readiness::READABLE);
    }

    fn deliver(&mut self, way: Way, number: u32, segment: &Segment, frame: &[u8]) {
        let Some(connection) = self.table.connection(number).filter(|connection| connection.way == way)
        else {
            return;
        };
        let before = connection.state();
        if connection.is_asleep() && !self.wake(number) {
            // The peer sends it again.
            return;
        }
        self.exchange(way, frame, number);
        let numbers = self.port.take_sent().numbers;
        let tuning = self.limits.tuning;
        let now = self.now;
        let Some(connection) = self.table.connection(number) else { return };
        connection.numbers = numbers.or(connection.numbers);
        connection.hear(way, segment, frame, now);
        connection.update_timeout(&tuning);
        let unchanged = before == State::Established && connection.state() == before;
        let quiet = unchanged && segment.only_acknowledges() && connection.has_sent_all();
        if !connection.drowsy {
            self.watch_drowsy(number);
        }
        if quiet {
            return self.notify(number, Readiness::WRITABLE);
        }
        self.mark_dirty(number);
        let cause = match (segment.flags & flag::RST != 0, before) {
            (true, State::SynSent) => Some(SocketError::Refused),
            (true, _) => Some(SocketError::Reset),
            _ => None,
        };
        let news = Readiness { readable: segment.payload > 0, writable: true };
        self.settle(number, before, news, cause);
    }

    /// Begins a connection that a peer asks for, if there is a place for it.
    fn admit(&mut self, way: Way, listener: u32, segment: &Segment, frame: &[u8]) {
        if !self.may_speak(way, &segment.flow) || !self.make_place(listener) {
            return;
        }
        let Some(number) = self.open(segment.flow, way, Role::HalfOpen(listener)) else { return };
        let (address, port) = segment.flow.local();
        let now = self.now;
        if let Some(connection) = self.table.connection(number) {
            connection.hear(way, segment, frame, now);
            let listening =
                connection.socket_mut().map(|socket| socket.listen((IpAddress::from(address), port)));
            debug_assert!(listening.is_some_and(|listening| listening.is_ok()), "a closed socket listens");
        }
        self.exchange(way, frame, number);
        match self.table.connection(number).map(|connection| connection.state()) {
            Some(State::SynReceived) => {
                self.table.link(number);
                if let Some(listener) = self.table.listener(listener) {
                    listener.begin(number);
                }
                self.mark_dirty(number);
            }
            _ => self.retire(number),
        }
    }

    /// Whether packets of a flow come this way: from elsewhere to an address of the card, or from this host to itself.
    fn may_speak(&self, way: Way, flow: &Flow) -> bool {
        let is_own = self.is_own(flow.remote().0);
        match way {
            Way::Card => self.has_address(flow.local().0) && !is_own,
            Way::Loopback => self.is_own(flow.local().0) && is_own,
        }
    }

    /// Whether a handshake may begin, if need be in place of one that has gone on for long.
    fn make_place(&mut self, listener: u32) -> bool {
        let Some(state) = self.table.listener(listener) else { return false };
        let oldest = state.oldest_half_open();
        if !state.is_full() && !self.table.is_full() {
            return true;
        }
        let Some(oldest) = oldest else { return false };
        let begun = self.table.connection(oldest).map_or(self.now, |connection| connection.begun);
        if self.caught_up.since(begun) < HALF_OPEN_GRACE {
            return false;
        }
        self.drop_unaccepted(listener, oldest);
        true
    }

    fn drop_unaccepted(&mut self, listener: u32, number: u32) {
        if let Some(listener) = self.table.listener(listener) {
            listener.forget(number);
        }
        self.retire(number);
    }

    /// A closed connection in the table, which no frame finds yet; `None` where memory is short. The caller has seen
    /// that there is a place.
    pub fn open(&mut self, flow: Flow, way: Way, role: Role) -> Option<u32> {
        let places = self.table.places() + 1;
        let has_memory = self.table.reserve() && self.timers.reserve(places) && self.drowsy.reserve(places);
        let connection = self.connection(flow, way, role).filter(|_| has_memory)?;
        Some(self.table.insert(connection))
    }

    /// A closed connection; `None` where memory is short.
    pub fn connection(&mut self, flow: Flow, way: Way, role: Role) -> Option<Entry> {
        let machine = self.machine()?;
        let connection = Connection::new(machine, &self.limits.tuning, flow, way, role, self.now);
        Some(Entry::Connection(Box::new(connection)))
    }

    /// A spare state machine, unless a new one would have more than twice as much to send from, or a new one, or one of a
    /// connection that falls asleep for it.
    pub fn machine(&mut self) -> Option<Machine> {
        let tuning = &self.limits.tuning;
        let send_buffer = self.surplus.buffer(tuning);
        while let Some(machine) = self.spare.pop() {
            if machine.socket().send_capacity() >= send_buffer / 2 {
                return Some(machine);
            }
            self.surplus.remove(&machine, tuning);
        }
        let Some(machine) =
            Machine::new(tuning, send_buffer).or_else(|| Machine::new(tuning, tuning.send_buffer))
        else {
            return self.machine_of_drowsy();
        };
        self.surplus.add(&machine, tuning);
        Some(machine)
    }

    /// Keeps a state machine for the next connection, or frees it.
    pub fn keep_machine(&mut self, machine: Machine) {
        if self.spare.len() < SPARE_MACHINES {
            self.spare.push(machine);
        } else {
            self.surplus.remove(&machine, &self.limits.tuning);
        }
    }

    /// Frees the place of a connection that is over.
    pub fn retire(&mut self, number: u32) {
        self.timers.clear(number);
        if let Entry::Connection(connection) = self.table.remove(number)
            && let Some(machine) = connection.into_machine()
        {
            self.keep_machine(machine);
        }
    }

    /// Resets a connection and frees its place.
    pub fn abort(&mut self, number: u32) {
        self.wake_to_end(number);
        if let Some(connection) = self.table.connection(number) {
            let (time, way) = (micros(self.now), connection.way);
            if let Some(machine) = connection.machine_mut() {
                machine.socket_mut().abort();
                let interface = way.of(&mut self.interface, &mut self.loopback);
                interface.poll_egress(time, &mut self.port.sending(way), machine.sockets());
            }
            self.retire(number);
        }
    }

    /// Whether the card has `address`.
    pub fn has_address(&self, address: IpAddr) -> bool {
        self.interface.has_ip_addr(IpAddress::from(address))
    }

    /// Whether what is sent to `address` stays on this host.
    pub fn is_own(&self, address: IpAddr) -> bool {
        self.loopback.has_ip_addr(IpAddress::from(address))
    }

    /// How packets to `address` go.
    pub fn way_to(&self, address: IpAddr) -> Way {
        if self.is_own(address) { Way::Loopback } else { Way::Card }
    }

    /// Has one socket send. Returns false where the card had no room.
    pub fn egress(&mut self, number: u32) -> bool {
        let connection = self.table.connection(number).map(|connection| (connection.state(), connection.way));
        let (before, way) = connection.map_or((None, Way::Card), |(state, way)| (Some(state), way));
        let time = micros(self.now);
        let mut again = true;
        for _ in 0..SEGMENTS_PER_TURN {
            let Some(sockets) = self.table.slot(number).entry.sockets() else { return true };
            let interface = way.of(&mut self.interface, &mut self.loopback);
            let next = turn(interface, &mut self.port.sending(way), sockets, time);
            again = next.again;
            if !again {
                self.after_turn(number, next.at);
                break;
            }
        }
        let sent = self.port.take_sent();
        if again {
            self.mark_dirty(number);
        }
        self.follow_resolution(number, &sent);
        if let Some(connection) = self.table.connection(number) {
            connection.numbers = sent.numbers.or(connection.numbers);
        }
        if let Some(before) = before {
            self.settle(number, before, Readiness::NONE, Some(SocketError::TimedOut));
            self.end_orphan(number);
        } else if self.table.datagrams(number).is_some_and(|datagrams| datagrams.is_over(self.now)) {
            self.retire(number);
        } else {
            self.notify(number, Readiness::WRITABLE);
        }
        !sent.refused
    }

    /// Sets the timer that the protocols ask for.
    fn after_turn(&mut self, number: u32, at: Option<Instant>) {
        let mut at = at;
        if let Some(connection) = self.table.connection(number) {
            at = match connection.role {
                Role::Orphan(give_up) => Some(at.map_or(give_up, |at| at.min(give_up))),
                // The state machine would drop unread bytes at the end of TIME-WAIT.
                _ if connection.state() == State::TimeWait => None,
                _ => at,
            };
        } else if let Some(give_up) = self.table.datagrams(number).and_then(|datagrams| datagrams.give_up) {
            at = Some(at.map_or(give_up, |at| at.min(give_up)));
        }
        if let Some(at) = at {
            let at = if at <= self.now { self.now + RETRY } else { at };
            self.timers.set(number, at);
        }
    }

    /// Follows a change of a connection's state; `cause` is why it ended if it did and not well. Where it did not change,
    /// `news` is what else it may have become ready for.
    fn settle(&mut self, number: u32, before: State, news: Readiness, cause: Option<SocketError>) {
        let Some(connection) = self.table.connection(number) else { return };
        let (role, after) = (connection.role, connection.state());
        if connection.is_orphan() {
            connection.discard_received();
        }
        if before == after {
            return self.notify(number, news);
        }
        match (role, after) {
            (Role::HalfOpen(listener), State::Listen | State::Closed) => {
                self.drop_unaccepted(listener, number)
            }
            (Role::HalfOpen(listener), _) => {
                connection.role = Role::Queued(listener);
                if let Some(queue) = self.table.listener(listener) {
                    queue.establish(number);
                }
                self.notify(listener, Readiness::READABLE);
            }
            (Role::Orphan(_), State::Closed) => self.retire(number),
            // One that waits to be accepted goes on to wait, and tells then what became of it.
            (Role::Held | Role::Queued(_), State::Closed) => {
                connection.error = cause.filter(|_| !matches!(before, State::LastAck | State::TimeWait));
                self.table.unlink(number);
                self.notify(number, Readiness::BOTH);
            }
            _ => self.notify(number, Readiness::BOTH),
        }
    }

    /// Swaps an orphan in TIME-WAIT whose last acknowledgement is out for a small record.
    fn end_orphan(&mut self, number: u32) {
        let Some(connection) = self.table.connection(number) else { return };
        if !connection.is_orphan() || connection.state() != State::TimeWait {
            return;
        }
        let (way, flow, numbers) = (connection.way, connection.flow, connection.numbers);
        if self.sends_soon(number) {
            return;
        }
        // No packet of this host to itself comes late.
        if way == Way::Loopback {
            return self.retire(number);
        }
        if let Some(numbers) = numbers {
            self.time_wait.remember(flow, numbers, self.now);
            self.retire(number);
        }
    }

    fn keep_house(&mut self) {
        let due = self.housekeeping.at.is_some_and(|at| at <= self.now);
        if due || self.housekeeping.dirty {
            if self.housekeeping.keep(&mut self.interface, &mut self.port, self.now) {
                self.follow_addresses();
            }
            self.wakes.append(&mut self.housekeeping.waiting);
        }
    }

    /// Gives this host for itself the addresses that its card has now.
    pub fn follow_addresses(&mut self) {
        loopback::follow(&mut self.loopback, &self.interface, self.limits.ipv6);
    }
}

/// What follows one segment.
struct Next {
    /// There is more to send at once.
    again: bool,
    /// When there will be, as far as the protocols know.
    at: Option<Instant>,
}

/// Has the sockets send one frame each.
fn turn<D: NetDevice>(
    interface: &mut Interface,
    port: &mut Exchange<'_, D>,
    sockets: &mut SocketSet<'static>,
    time: smoltcp::time::Instant,
) -> Next {
    let progress = interface.poll_egress(time, port, sockets);
    let at = interface.poll_at(time, sockets);
    Next { again: progress != PollResult::None && at.is_some_and(|at| at <= time), at: at.map(instant) }
}
