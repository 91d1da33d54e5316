#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

use alloc::vec::Vec;
use core::convert::Infallible;

use iface_net_stack::{
    Binding, Event, Instant, IpAddr, NetStack, OpenError, Poller, Progress, Readiness, ResolveError, Socket,
    SocketAddr, SocketError, Told,
};
use iface_scheduler::{Scheduler, Wakeup};

/// Settings: there are none.
pub struct Config {}

/// What it needs.
pub struct Needs<S> {
    /// Waiting.
    pub scheduler: S,
}

/// What it provides.
pub struct Provides<N> {
    /// Sockets, of which none can be opened.
    pub net_stack: N,
}

/// There is nothing to start.
///
/// # Errors
/// None.
pub fn init<S: Scheduler>(
    _: &'static Config,
    needs: Needs<S>,
) -> Result<Provides<impl NetStack>, Infallible> {
    Ok(Provides { net_stack: NoNetwork(needs.scheduler) })
}

/// A host without addresses.
#[derive(Clone, Copy)]
struct NoNetwork<S>(S);

impl<S: Scheduler> NetStack for NoNetwork<S> {
    fn addresses(&self) -> Vec<(IpAddr, u8)> {
        Vec::new()
    }

    fn name_servers(&self) -> Vec<IpAddr> {
        Vec::new()
    }

    fn tcp_listen(&self, _: SocketAddr, _: usize) -> Result<Socket, OpenError> {
        Err(OpenError::AddressNotAvailable)
    }

    fn tcp_accept(&self, _: Socket) -> Result<(Socket, SocketAddr), SocketError> {
        Err(SocketError::Closed)
    }

    fn tcp_connect(&self, _: SocketAddr) -> Result<Socket, OpenError> {
        Err(OpenError::Unreachable)
    }

    fn tcp_bind(&self, _: Binding) -> Result<Socket, OpenError> {
        Err(OpenError::AddressNotAvailable)
    }

    fn tcp_listen_at(&self, _: Socket, _: usize) -> Result<(), OpenError> {
        Err(OpenError::Closed)
    }

    fn tcp_connect_from(&self, _: Socket, _: SocketAddr) -> Result<(), OpenError> {
        Err(OpenError::Closed)
    }

    fn progress(&self, _: Socket) -> Result<Progress, SocketError> {
        Err(SocketError::Closed)
    }

    fn unread(&self, _: Socket) -> usize {
        0
    }

    fn recv(&self, _: Socket, _: &mut [u8]) -> Result<usize, SocketError> {
        Err(SocketError::Closed)
    }

    fn send(&self, _: Socket, _: &[u8]) -> Result<usize, SocketError> {
        Err(SocketError::Closed)
    }

    fn shutdown(&self, _: Socket) -> Result<(), SocketError> {
        Err(SocketError::Closed)
    }

    fn udp_bind(&self, _: Binding) -> Result<Socket, OpenError> {
        Err(OpenError::AddressNotAvailable)
    }

    fn udp_connect(&self, _: Socket, _: Option<SocketAddr>) -> Result<(), OpenError> {
        Err(OpenError::Closed)
    }

    fn send_to(&self, _: Socket, _: &[u8], _: SocketAddr) -> Result<(), SocketError> {
        Err(SocketError::Closed)
    }

    fn recv_from(&self, _: Socket, _: &mut [u8]) -> Result<(usize, SocketAddr), SocketError> {
        Err(SocketError::Closed)
    }

    fn local(&self, _: Socket) -> Result<SocketAddr, SocketError> {
        Err(SocketError::Closed)
    }

    fn close(&self, _: Socket) {}

    fn abort(&self, _: Socket) {}

    fn readiness(&self, _: Socket) -> Readiness {
        Readiness::NONE
    }

    fn notify(&self, _: Socket, _: Option<Told>) -> Result<(), SocketError> {
        Err(SocketError::Closed)
    }

    /// All are the same: none watches anything.
    fn poller(&self) -> Poller {
        Poller(0)
    }

    fn watch(&self, _: Poller, _: Socket, _: Readiness, _: usize) -> Result<(), SocketError> {
        Err(SocketError::Closed)
    }

    fn wait(&self, _: Poller, _: &mut [Event], deadline: Option<Instant>) -> usize {
        while self.0.park(deadline) != Wakeup::TimedOut {}
        0
    }

    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        name.parse().map(|address| Vec::from([address])).map_err(|_| ResolveError::NoServer)
    }
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;

    use iface_clock::{Clock, Duration};
    use iface_events::fake::FakeEvents;
    use iface_scheduler::fake::FakeScheduler;

    use super::*;

    #[test]
    fn nobody_is_reached_and_a_wait_ends_in_time() {
        let events = FakeEvents::new(Box::leak(Box::default()));
        let scheduler = FakeScheduler::new(events, events.clock());
        let stack = NoNetwork(scheduler);
        let loopback = SocketAddr::from(([127, 0, 0, 1], 80));
        assert_eq!(stack.tcp_connect(loopback), Err(OpenError::Unreachable));
        assert_eq!(stack.udp_bind(loopback.into()), Err(OpenError::AddressNotAvailable));
        assert_eq!(stack.resolve("127.0.0.1"), Ok(Vec::from([loopback.ip()])));
        assert_eq!(stack.resolve("name"), Err(ResolveError::NoServer));
        let deadline = events.clock().now() + Duration::from_millis(3);
        scheduler.unpark(scheduler.current());
        assert_eq!(stack.wait(stack.poller(), &mut [Event::default()], Some(deadline)), 0);
        assert_eq!(events.clock().now(), deadline);
    }
}
