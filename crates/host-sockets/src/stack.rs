//! The interface, operation by operation.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::RefCell;

use iface_clock::Clock;
use iface_net_stack::{
    Binding, Event, Instant, IpAddr, NetStack, OpenError, Poller, Progress, Readiness, ResolveError, Socket,
    SocketAddr, SocketError, Told,
};
use iface_scheduler::Scheduler;
use rustix::event::epoll::{self, CreateFlags};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{
    RecvFlags, SendFlags, Shutdown, SocketFlags, acceptfrom_with, getsockname, recvfrom, sendto, shutdown,
};

use crate::Config;
use crate::addresses;
use crate::error::{open_error, socket_error};
use crate::forward::Forwards;
use crate::pollers::Pollers;
use crate::resolver;
use crate::socket::{HostSocket, Kind, Watch, address, ready};
use crate::table::Table;

/// The host's sockets.
pub struct HostSockets<C: 'static, S: 'static> {
    shared: &'static Shared<C, S>,
}

impl<C, S> Clone for HostSockets<C, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C, S> Copy for HostSockets<C, S> {}

struct Shared<C, S> {
    config: &'static Config,
    clock: C,
    scheduler: S,
    pollers: &'static Pollers,
    forwards: Forwards,
    sockets: RefCell<Table<HostSocket>>,
    /// A descriptor that is given up when the kernel has no more, to take a connection and refuse it.
    spare: RefCell<Option<OwnedFd>>,
    /// Pollers of questions to name servers that are answered.
    idle_pollers: RefCell<Vec<Poller>>,
}

impl<C: Clock, S: Scheduler> HostSockets<C, S> {
    pub(crate) fn new(
        config: &'static Config,
        clock: C,
        scheduler: S,
        pollers: &'static Pollers,
        forwards: Forwards,
    ) -> Self {
        let shared = Shared {
            config,
            clock,
            scheduler,
            pollers,
            forwards,
            sockets: RefCell::default(),
            spare: RefCell::new(spare()),
            idle_pollers: RefCell::default(),
        };
        Self { shared: Box::leak(Box::new(shared)) }
    }

    fn open(&self, opened: Result<HostSocket, Errno>) -> Result<Socket, OpenError> {
        opened.map(|socket| self.shared.sockets.borrow_mut().insert(socket)).map_err(open_error)
    }

    /// Calls `operation` on a socket of `kind`.
    fn on<T>(
        &self,
        socket: Socket,
        kind: Kind,
        operation: impl FnOnce(&HostSocket) -> Result<T, Errno>,
    ) -> Result<T, SocketError> {
        let sockets = self.shared.sockets.borrow();
        let socket = sockets.get(socket).filter(|socket| socket.kind == kind).ok_or(SocketError::Closed)?;
        match socket.failure {
            Some(failure) => Err(failure),
            None => operation(socket).map_err(socket_error),
        }
    }

    /// Takes a connection and gives it up, so that a listener that cannot take one for want of descriptors does not
    /// stay ready for ever.
    fn refuse_one(&self, listener: &HostSocket) {
        let mut spare_place = self.shared.spare.borrow_mut();
        drop(spare_place.take());
        // The connection is closed as soon as it is taken.
        let _ = acceptfrom_with(&listener.fd, SocketFlags::CLOEXEC);
        *spare_place = spare();
    }

    fn take(&self, socket: Socket) -> Option<HostSocket> {
        self.shared.sockets.borrow_mut().remove(socket)
    }

    /// The kernel has news of some socket.
    pub(crate) fn on_event(&self) {
        self.shared.pollers.wake(self.shared.scheduler, |socket, flags| {
            let noticed = |socket: &mut HostSocket| {
                socket.note(flags);
                socket.told.clone()
            };
            let told = self.shared.sockets.borrow_mut().get_mut(socket).and_then(noticed);
            if let Some(told) = told {
                told(ready(flags));
            }
        });
    }

    /// Calls `operation` on a connection.
    fn on_connection<T>(
        &self,
        socket: Socket,
        operation: impl FnOnce(&mut HostSocket) -> Result<T, SocketError>,
    ) -> Result<T, SocketError> {
        let mut sockets = self.shared.sockets.borrow_mut();
        let connection = sockets.get_mut(socket).filter(|socket| socket.kind == Kind::Stream);
        operation(connection.ok_or(SocketError::Closed)?)
    }

    /// Calls `change` on a socket that is bound and no more.
    fn on_bound(
        &self,
        bound: Socket,
        change: impl FnOnce(&mut HostSocket) -> Result<(), Errno>,
    ) -> Result<(), OpenError> {
        let mut sockets = self.shared.sockets.borrow_mut();
        let socket = sockets.get_mut(bound).filter(|socket| socket.kind == Kind::Bound);
        change(socket.ok_or(OpenError::Closed)?).map_err(open_error)
    }

    /// An idle poller for a question to a name server.
    pub(crate) fn with_poller<T>(&self, question: impl FnOnce(Poller) -> T) -> T {
        let idle = self.shared.idle_pollers.borrow_mut().pop();
        let poller = idle.unwrap_or_else(|| self.poller());
        let answer = question(poller);
        self.shared.idle_pollers.borrow_mut().push(poller);
        answer
    }

    pub(crate) fn now(&self) -> Instant {
        self.shared.clock.now()
    }
}

fn spare() -> Option<OwnedFd> {
    epoll::create(CreateFlags::CLOEXEC).ok()
}

impl<C: Clock, S: Scheduler> NetStack for HostSockets<C, S> {
    /// Those of loopback interfaces are left out.
    fn addresses(&self) -> Vec<(IpAddr, u8)> {
        addresses::of_host().unwrap_or_default()
    }

    fn name_servers(&self) -> Vec<IpAddr> {
        resolver::name_servers()
    }

    fn tcp_listen(&self, local: SocketAddr, backlog: usize) -> Result<Socket, OpenError> {
        self.open(HostSocket::listen(self.shared.forwards.host(local.into()).address, backlog))
    }

    fn tcp_accept(&self, listener: Socket) -> Result<(Socket, SocketAddr), SocketError> {
        let (fd, peer) = self.on(listener, Kind::Listener, |listener| {
            match acceptfrom_with(&listener.fd, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                // The peer gave up before it was accepted; another one may wait.
                Err(Errno::CONNABORTED) => Err(Errno::AGAIN),
                Err(Errno::MFILE | Errno::NFILE) => {
                    self.refuse_one(listener);
                    Err(Errno::AGAIN)
                }
                accepted => accepted,
            }
        })?;
        let peer = peer.and_then(address).ok_or(SocketError::WouldBlock)?;
        Ok((self.shared.sockets.borrow_mut().insert(HostSocket::new(fd, Kind::Stream)), peer))
    }

    fn tcp_connect(&self, remote: SocketAddr) -> Result<Socket, OpenError> {
        self.open(HostSocket::connect(remote))
    }

    fn tcp_bind(&self, binding: Binding) -> Result<Socket, OpenError> {
        self.open(HostSocket::bind(self.shared.forwards.host(binding)))
    }

    fn tcp_listen_at(&self, bound: Socket, backlog: usize) -> Result<(), OpenError> {
        self.on_bound(bound, |socket| socket.begin_listening(backlog))
    }

    fn tcp_connect_from(&self, bound: Socket, remote: SocketAddr) -> Result<(), OpenError> {
        self.on_bound(bound, |socket| socket.begin_connecting(remote))
    }

    fn progress(&self, socket: Socket) -> Result<Progress, SocketError> {
        self.on_connection(socket, |connection| connection.progress().map_err(socket_error))
    }

    fn unread(&self, socket: Socket) -> usize {
        let sockets = self.shared.sockets.borrow();
        sockets.get(socket).filter(|socket| socket.kind == Kind::Stream).map_or(0, HostSocket::unread)
    }

    fn recv(&self, socket: Socket, buffer: &mut [u8]) -> Result<usize, SocketError> {
        self.on_connection(socket, |connection| connection.recv(buffer))
    }

    fn send(&self, socket: Socket, bytes: &[u8]) -> Result<usize, SocketError> {
        self.on_connection(socket, |connection| connection.send(bytes))
    }

    fn hold(&self, socket: Socket, held: bool) {
        if let Some(socket) = self.shared.sockets.borrow_mut().get_mut(socket) {
            socket.hold(held);
        }
    }

    fn shutdown(&self, socket: Socket) -> Result<(), SocketError> {
        self.on(socket, Kind::Stream, |socket| shutdown(&socket.fd, Shutdown::Write))
    }

    fn udp_bind(&self, binding: Binding) -> Result<Socket, OpenError> {
        self.open(HostSocket::datagrams(self.shared.forwards.host(binding)))
    }

    fn udp_connect(&self, socket: Socket, remote: Option<SocketAddr>) -> Result<(), OpenError> {
        let sockets = self.shared.sockets.borrow();
        let socket = sockets.get(socket).filter(|socket| socket.kind == Kind::Datagrams);
        socket.ok_or(OpenError::Closed)?.connect_datagrams(remote).map_err(open_error)
    }

    fn send_to(&self, socket: Socket, bytes: &[u8], remote: SocketAddr) -> Result<(), SocketError> {
        self.on(socket, Kind::Datagrams, |socket| {
            let remote = socket.reachable(remote)?;
            sendto(&socket.fd, bytes, SendFlags::NOSIGNAL, &remote).map(|_| ())
        })
    }

    fn recv_from(&self, socket: Socket, buffer: &mut [u8]) -> Result<(usize, SocketAddr), SocketError> {
        self.on(socket, Kind::Datagrams, |socket| {
            let (length, _, sender) = recvfrom(&socket.fd, buffer, RecvFlags::empty())?;
            Ok((length, sender.and_then(address).ok_or(Errno::AGAIN)?))
        })
    }

    fn local(&self, socket: Socket) -> Result<SocketAddr, SocketError> {
        let sockets = self.shared.sockets.borrow();
        let socket = sockets.get(socket).ok_or(SocketError::Closed)?;
        let local = getsockname(&socket.fd).ok().and_then(address).ok_or(SocketError::Closed)?;
        Ok(SocketAddr::new(local.ip(), self.shared.forwards.guest(local.port())))
    }

    fn close(&self, socket: Socket) {
        if let Some(socket) = self.take(socket) {
            socket.close();
        }
    }

    fn abort(&self, socket: Socket) {
        if let Some(socket) = self.take(socket) {
            socket.abort();
        }
    }

    fn readiness(&self, socket: Socket) -> Readiness {
        self.shared.sockets.borrow().get(socket).map_or(Readiness::NONE, HostSocket::readiness)
    }

    fn notify(&self, socket: Socket, told: Option<Told>) -> Result<(), SocketError> {
        let mut sockets = self.shared.sockets.borrow_mut();
        let noticed = sockets.get_mut(socket).ok_or(SocketError::Closed)?;
        let fd = noticed.fd.as_fd();
        match (&noticed.told, &told) {
            (None, Some(_)) => self.shared.pollers.tell_of(fd, socket).map_err(socket_error)?,
            (Some(_), None) => self.shared.pollers.tell_no_more(fd),
            _ => {}
        }
        noticed.told = told;
        Ok(())
    }

    /// # Panics
    /// When the kernel has no more descriptors.
    fn poller(&self) -> Poller {
        self.shared.pollers.open().expect("the kernel has a descriptor for an epoll instance")
    }

    fn watch(
        &self,
        poller: Poller,
        socket: Socket,
        interest: Readiness,
        token: usize,
    ) -> Result<(), SocketError> {
        let mut sockets = self.shared.sockets.borrow_mut();
        let watched = sockets.get_mut(socket).ok_or(SocketError::Closed)?;
        let (fd, pollers) = (watched.fd.as_fd(), self.shared.pollers);
        let before = watched.watch.take();
        match before {
            Some(watch) if watch.poller == poller && !interest.is_none() => {
                pollers.modify(poller, fd, socket, interest).map_err(socket_error)?;
            }
            _ => {
                if let Some(watch) = before {
                    pollers.remove(watch.poller, fd);
                }
                if interest.is_none() {
                    return Ok(());
                }
                pollers.add(poller, fd, socket, interest).map_err(socket_error)?;
            }
        }
        watched.watch = Some(Watch { poller, interest, token });
        Ok(())
    }

    fn wait(&self, poller: Poller, events: &mut [Event], deadline: Option<Instant>) -> usize {
        let (most, mut count) = (events.len(), 0);
        self.shared.pollers.wait(self.shared.scheduler, poller, most, deadline, |socket, ready| {
            let sockets = self.shared.sockets.borrow();
            let Some(watch) = sockets.get(socket).and_then(|socket| socket.watch) else { return false };
            events[count] = Event { token: watch.token, ready: ready.and(watch.interest) };
            count += 1;
            true
        });
        count
    }

    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        resolver::resolve(*self, self.shared.config.resolve_timeout_ms, name)
    }
}
