//! What the application does with sockets.

use alloc::boxed::Box;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use iface_clock::{Duration, Instant};
use iface_net_device::NetDevice;
use iface_net_stack::{Binding, OpenError, Poller, Progress, Readiness, Socket, SocketError, Told};
use smoltcp::socket::tcp::State;
use smoltcp::wire::{IpAddress, IpEndpoint};

use crate::connection::{Connection, Role};
use crate::datagrams::Datagrams;
use crate::engine::Engine;
use crate::flow::{Flow, Transport};
use crate::listener::Listener;
use crate::loopback;
use crate::notice::Notice;
use crate::port::Way;
use crate::settings::is_host;
use crate::table::{Entry, binding_of};

/// Ports that are given to who asks for none (RFC 6335, section 6: dynamic ports).
const DYNAMIC_PORTS: core::ops::RangeInclusive<u16> = 49152..=65535;

/// How long a neighbor is asked for on behalf of a UDP socket that was closed: three requests, one a second (RFC 4861,
/// section 10: MAX_MULTICAST_SOLICIT and RETRANS_TIMER).
const NEIGHBOR_PATIENCE: Duration = Duration::from_secs(3);

/// Bytes of the headers before a UDP payload.
const fn udp_headers(ipv4: bool) -> usize {
    8 + if ipv4 { 20 } else { 40 }
}

impl<D: NetDevice> Engine<D> {
    /// Opens a listener.
    pub fn listen(&mut self, binding: Binding, backlog: usize) -> Result<Socket, OpenError> {
        let binding = self.bindable(Transport::Tcp, binding)?;
        let listener = Listener::new(binding, backlog.clamp(1, self.limits.backlog));
        let number = self.table.insert(Entry::Listener(listener));
        self.table.link(number);
        Ok(self.table.name(number))
    }

    /// Keeps an address for a TCP socket.
    pub fn bind_tcp(&mut self, binding: Binding) -> Result<Socket, OpenError> {
        let binding = self.bindable(Transport::Tcp, binding)?;
        let number = self.table.insert(Entry::Bound(binding));
        self.table.link(number);
        Ok(self.table.name(number))
    }

    /// The number and binding of a socket that is bound and no more.
    fn bound(&self, socket: Socket) -> Result<(u32, Binding), OpenError> {
        let number = self.table.resolve(socket).map_err(|_| OpenError::Closed)?;
        self.table.bound(number).map(|binding| (number, binding)).ok_or(OpenError::Closed)
    }

    /// Has a bound socket listen.
    pub fn listen_at(&mut self, socket: Socket, backlog: usize) -> Result<(), OpenError> {
        let (number, binding) = self.bound(socket)?;
        let listener = Listener::new(binding, backlog.clamp(1, self.limits.backlog));
        self.table.replace(number, Entry::Listener(listener));
        Ok(())
    }

    /// Begins a connection of a bound socket.
    pub fn connect_from(&mut self, socket: Socket, remote: SocketAddr) -> Result<(), OpenError> {
        let (number, Binding { address: local, .. }) = self.bound(socket)?;
        let usual = self.source_for(remote)?;
        let source = if local.ip().is_unspecified() { usual } else { local.ip() };
        let peer = (remote.ip().to_canonical(), remote.port());
        let flow = Flow::between(Transport::Tcp, (source, local.port()), peer);
        let way = self.way_to(peer.0);
        if source.is_ipv4() != peer.0.is_ipv4() || way == Way::Card && !self.has_address(source) {
            return Err(OpenError::Unreachable);
        }
        if self.table.find(&flow).is_some() || self.time_wait.has(&flow, self.now) {
            return Err(OpenError::AddressInUse);
        }
        let connection = self.connection(flow, way, Role::Held).ok_or(OpenError::Exhausted)?;
        self.table.replace(number, connection);
        self.begin(number, peer, (source, local.port()));
        Ok(())
    }

    /// Opens a UDP socket.
    pub fn bind(&mut self, binding: Binding) -> Result<Socket, OpenError> {
        let binding = self.bindable(Transport::Udp, binding)?;
        let datagrams = Datagrams::new(self.limits.datagrams, binding);
        let number = self.table.insert(Entry::Datagrams(Box::new(datagrams)));
        self.table.link(number);
        Ok(self.table.name(number))
    }

    /// `binding` with its port, if a socket may have it.
    fn bindable(&mut self, transport: Transport, binding: Binding) -> Result<Binding, OpenError> {
        let local = binding.address;
        if self.table.is_full() {
            return Err(OpenError::Exhausted);
        }
        if !local.ip().is_unspecified() && !self.is_own(local.ip()) {
            return Err(OpenError::AddressNotAvailable);
        }
        let at = |port| Binding { address: SocketAddr::new(local.ip(), port), ..binding };
        let taken = |engine: &Self, port| engine.is_taken(transport, at(port));
        let port = match local.port() {
            0 => self.dynamic_port(taken).ok_or(OpenError::Exhausted)?,
            port if taken(self, port) => return Err(OpenError::AddressInUse),
            port => port,
        };
        Ok(at(port))
    }

    /// Whether a socket is in the way of one with `binding`: at the same address, at all where this is one of them, or at
    /// one where this is at all.
    fn is_taken(&self, transport: Transport, binding: Binding) -> bool {
        let (local, port) = (binding.address.ip(), binding.address.port());
        let excludes = |address: IpAddr, ipv6_only| {
            let place = Binding { address: SocketAddr::new(address, port), ipv6_only, shared: false };
            self.table.excludes(&Flow::to(transport, &place), &binding)
        };
        let any4 = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let any6 = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let (ipv4, ipv6) = match local {
            IpAddr::V4(_) => (true, false),
            IpAddr::V6(_) => (local.is_unspecified() && !binding.ipv6_only, true),
        };
        let own = self.loopback.ip_addrs().iter().map(|cidr| IpAddr::from(cidr.address()));
        let mut own = own.filter(|own| if own.is_ipv4() { ipv4 } else { ipv6 });
        excludes(any6, false)
            || ipv4 && excludes(any4, false)
            || ipv6 && excludes(any6, true)
            || if local.is_unspecified() {
                own.any(|own| excludes(own, false))
            } else {
                excludes(local, false)
            }
    }

    /// A port that is not `taken`; where the search begins can't be foreseen (RFC 6056, section 3.3.1).
    fn dynamic_port(&mut self, taken: impl Fn(&Self, u16) -> bool) -> Option<u16> {
        let count = DYNAMIC_PORTS.len() as u64;
        let begin = self.random() % count;
        (0..count)
            .map(|step| DYNAMIC_PORTS.start() + ((begin + step) % count) as u16)
            .find(|port| !taken(self, *port))
    }

    /// Begins a connection.
    pub fn connect(&mut self, remote: SocketAddr) -> Result<Socket, OpenError> {
        let source = self.source_for(remote)?;
        if self.table.is_full() {
            return Err(OpenError::Exhausted);
        }
        let (now, peer) = (self.now, (remote.ip().to_canonical(), remote.port()));
        let flow = |port| Flow::between(Transport::Tcp, (source, port), peer);
        let taken = |engine: &Self, port: u16| {
            engine.table.find(&flow(port)).is_some() || engine.time_wait.has(&flow(port), now)
        };
        let port = self.dynamic_port(taken).ok_or(OpenError::Exhausted)?;
        let number = self.open(flow(port), self.way_to(peer.0), Role::Held).ok_or(OpenError::Exhausted)?;
        self.table.link(number);
        self.begin(number, peer, (source, port));
        Ok(self.table.name(number))
    }

    /// Begins the handshake of a closed connection.
    fn begin(&mut self, number: u32, peer: (IpAddr, u16), source: (IpAddr, u16)) {
        let (remote, local) = (IpEndpoint::new(peer.0.into(), peer.1), (IpAddress::from(source.0), source.1));
        if let Some(connection) = self.table.connection(number) {
            let interface = connection.way.of(&mut self.interface, &mut self.loopback);
            let begun =
                connection.socket_mut().map(|socket| socket.connect(interface.context(), remote, local));
            debug_assert!(begun.is_some_and(|begun| begun.is_ok()), "both ends are addresses of hosts");
        }
        self.mark_dirty(number);
    }

    /// The address of this host that speaks to `remote`.
    fn source_for(&self, remote: SocketAddr) -> Result<IpAddr, OpenError> {
        let address = IpAddress::from(remote.ip().to_canonical());
        if remote.port() == 0 {
            return Err(OpenError::Unreachable);
        }
        if self.is_own(address.into()) {
            return Ok(address.into());
        }
        let routes = self.interface.routes();
        let gateway = match address {
            IpAddress::Ipv4(_) => routes.get_default_ipv4_route(),
            IpAddress::Ipv6(_) => routes.get_default_ipv6_route(),
        };
        let near = self.interface.ip_addrs().iter().any(|cidr| cidr.contains_addr(&address));
        if !(near || gateway.is_some()) || !is_host(&address.into()) {
            return Err(OpenError::Unreachable);
        }
        let source = self.interface.get_source_address(&address).map(IpAddr::from);
        source.filter(|source| self.has_address(*source)).ok_or(OpenError::Unreachable)
    }

    /// Takes a connection from a listener's queue.
    pub fn accept(&mut self, listener: Socket) -> Result<(Socket, SocketAddr), SocketError> {
        let number = self.table.resolve(listener)?;
        let listener = self.table.listener(number).ok_or(SocketError::Closed)?;
        let number = listener.accept().ok_or(SocketError::WouldBlock)?;
        let connection = self.table.connection(number).ok_or(SocketError::WouldBlock)?;
        connection.role = Role::Held;
        let remote = connection.flow.remote();
        Ok((self.table.name(number), remote.into()))
    }

    /// Takes received bytes.
    pub fn recv(&mut self, socket: Socket, buffer: &mut [u8]) -> Result<usize, SocketError> {
        let number = self.table.resolve(socket)?;
        let connection = self.table.connection(number).ok_or(SocketError::Closed)?;
        let length = connection.recv(buffer)?;
        if length > 0 {
            let is_drowsy = connection.drowsy;
            // The peer may have to be told of the room.
            self.mark_dirty(number);
            if !is_drowsy {
                self.watch_drowsy(number);
            }
        }
        Ok(length)
    }

    /// Takes bytes to send.
    pub fn send_bytes(&mut self, socket: Socket, bytes: &[u8]) -> Result<usize, SocketError> {
        let number = self.table.resolve(socket)?;
        let tuning = self.limits.tuning;
        let mut connection = self.table.connection(number).ok_or(SocketError::Closed)?;
        if connection.is_asleep() {
            if !self.wake_in_time(number) {
                return Err(SocketError::WouldBlock);
            }
            connection = self.table.connection(number).ok_or(SocketError::Closed)?;
        }
        let length = connection.send(bytes)?;
        connection.update_timeout(&tuning);
        self.mark_dirty(number);
        self.note_sent(number);
        Ok(length)
    }

    /// Follows whether there is room still, for whoever is told of it.
    fn note_sent(&mut self, number: u32) {
        if self.table.slot(number).notice.is_some() {
            let ready = self.table.readiness(number);
            self.table.slot(number).notice.iter_mut().for_each(|notice| notice.sent(ready));
        }
    }

    /// How far a connection has come.
    pub fn progress(&mut self, socket: Socket) -> Result<Progress, SocketError> {
        let number = self.table.resolve(socket)?;
        self.table.connection(number).map(|connection| connection.progress()).ok_or(SocketError::Closed)
    }

    /// Bytes that a connection has received.
    pub fn unread(&mut self, socket: Socket) -> usize {
        let connection = self.table.resolve(socket).ok().and_then(|number| self.table.connection(number));
        connection.map_or(0, |connection| connection.unread())
    }

    /// Ends sending.
    pub fn shutdown(&mut self, socket: Socket) -> Result<(), SocketError> {
        let number = self.table.resolve(socket)?;
        let connection = self.table.connection(number).ok_or(SocketError::Closed)?;
        if let Some(error) = connection.error {
            return Err(error);
        }
        if !self.wake_in_time(number) {
            return Err(SocketError::WouldBlock);
        }
        if let Some(socket) = self.table.connection(number).and_then(Connection::socket_mut) {
            socket.close();
        }
        self.mark_dirty(number);
        self.notify(number, Readiness::WRITABLE);
        Ok(())
    }

    /// Has a UDP socket told of what became of its datagrams to `remote`.
    pub fn connect_datagrams(&mut self, socket: Socket, remote: Option<SocketAddr>) -> Result<(), OpenError> {
        if let Some(remote) = remote {
            self.source_for(remote)?;
        }
        let number = self.table.resolve(socket).map_err(|_| OpenError::Closed)?;
        let datagrams = self.table.datagrams(number).ok_or(OpenError::Closed)?;
        datagrams.connect(remote.map(|remote| SocketAddr::new(remote.ip().to_canonical(), remote.port())));
        Ok(())
    }

    /// Queues a datagram.
    pub fn send_to(&mut self, socket: Socket, bytes: &[u8], remote: SocketAddr) -> Result<(), SocketError> {
        let number = self.table.resolve(socket)?;
        let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
        let way = self.way_to(remote.ip());
        let longest = if way == Way::Card { self.port.device.mtu() } else { loopback::MTU };
        let datagrams = self.table.datagrams(number).ok_or(SocketError::Closed)?;
        if bytes.len() > longest - udp_headers(remote.is_ipv4()) {
            return Err(SocketError::TooLong);
        }
        datagrams.take_refusal()?;
        if way == Way::Loopback {
            let local = datagrams.binding.address;
            return self.send_to_self(local, remote, bytes);
        }
        datagrams.send_to(bytes, remote)?;
        self.mark_dirty(number);
        self.note_sent(number);
        Ok(())
    }

    /// Sends a datagram of a socket at `local` to this host itself.
    fn send_to_self(
        &mut self,
        local: SocketAddr,
        remote: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), SocketError> {
        let source = if local.ip().is_unspecified() { remote.ip() } else { local.ip() };
        if source.is_ipv4() != remote.is_ipv4() || remote.port() == 0 {
            return Err(SocketError::Unreachable);
        }
        self.port.loopback.send_datagram(SocketAddr::new(source, local.port()), remote, bytes);
        Ok(())
    }

    /// Takes a datagram.
    pub fn recv_from(
        &mut self,
        socket: Socket,
        buffer: &mut [u8],
    ) -> Result<(usize, SocketAddr), SocketError> {
        let number = self.table.resolve(socket)?;
        self.table.datagrams(number).ok_or(SocketError::Closed)?.recv_from(buffer)
    }

    /// The socket's own address.
    pub fn local(&mut self, socket: Socket) -> Result<SocketAddr, SocketError> {
        let number = self.table.resolve(socket)?;
        match &self.table.slot(number).entry {
            Entry::Connection(connection) => Ok(connection.flow.local().into()),
            entry => binding_of(entry).map(|binding| binding.address).ok_or(SocketError::Closed),
        }
    }

    /// Watches a socket.
    pub fn watch(
        &mut self,
        poller: Poller,
        socket: Socket,
        interest: Readiness,
        token: usize,
    ) -> Result<(), SocketError> {
        let number = self.table.resolve(socket)?;
        if !self.pollers.has(poller) {
            return Err(SocketError::Closed);
        }
        let watch = &mut self.table.slot(number).watch;
        watch.end();
        if !interest.is_none() {
            watch.begin(poller, interest, token);
            self.notify(number, Readiness::NONE);
        }
        Ok(())
    }

    /// Has somebody told of a socket, or nobody.
    pub fn set_notice(&mut self, socket: Socket, told: Option<Told>) -> Result<(), SocketError> {
        let number = self.table.resolve(socket)?;
        let ready = self.table.readiness(number);
        self.table.slot(number).notice = told.map(|told| Notice::new(told, ready));
        Ok(())
    }

    /// Gives a socket up; what a connection has to send is sent in the background.
    pub fn close(&mut self, socket: Socket, now: Instant) {
        let Ok(number) = self.table.resolve(socket) else { return };
        match &self.table.slot(number).entry {
            Entry::Connection(_) => self.orphan(number, now),
            Entry::Datagrams(_) => self.close_datagrams(number, now),
            Entry::Listener(_) => self.close_listener(number),
            Entry::Bound(_) => self.retire(number),
            Entry::Free => {}
        }
    }

    fn orphan(&mut self, number: u32, now: Instant) {
        let give_up = now + self.limits.linger;
        self.wake_to_end(number);
        let Some(connection) = self.table.connection(number) else { return };
        if matches!(connection.state(), State::Closed | State::SynSent) {
            return self.retire(number);
        }
        connection.role = Role::Orphan(give_up);
        connection.discard_received();
        if let Some(socket) = connection.socket_mut() {
            socket.set_ack_delay(None);
            socket.close();
        }
        self.table.disown(number);
        self.mark_dirty(number);
    }

    /// The port is free at once; datagrams that are not sent yet go in the background.
    fn close_datagrams(&mut self, number: u32, now: Instant) {
        match self.table.datagrams(number) {
            Some(datagrams) if datagrams.has_unsent() => {
                datagrams.give_up = Some(now + NEIGHBOR_PATIENCE);
                self.table.unlink(number);
                self.table.disown(number);
                self.mark_dirty(number);
            }
            _ => self.retire(number),
        }
    }

    fn close_listener(&mut self, number: u32) {
        if let Entry::Listener(listener) = self.table.remove(number) {
            listener.into_connections().for_each(|number| self.abort(number));
        }
    }

    /// Gives a socket up at once.
    pub fn abort_socket(&mut self, socket: Socket) {
        let Ok(number) = self.table.resolve(socket) else { return };
        match &self.table.slot(number).entry {
            Entry::Connection(_) => self.abort(number),
            Entry::Listener(_) => self.close_listener(number),
            _ => self.retire(number),
        }
        self.port.device.flush();
    }
}
