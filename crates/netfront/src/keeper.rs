//! Connects the card, and connects it again.

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::{self, Display};

use iface_clock::{Clock, Duration};
use iface_event_channels::EventChannels;
use iface_grant_table::GrantTable;
use iface_scheduler::Scheduler;
use iface_xenstore::{Tree, Xenstore};
use xenbus::{Backend, Error, Frontend, State};

use crate::broken::{Broken, LinkError};
use crate::link::{Abilities, Link};
use crate::nic::Nic;
use crate::offload::Offload;

/// How long a backend may take from its offer to the connection, and to let go of one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the card is not connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// Backend or store.
    Backend(Error),
    /// This domain's own part.
    Link(LinkError),
    /// The backend broke the protocol of the rings.
    Broken(Broken),
}

impl ConnectError {
    /// Whether there will be no connection any more.
    fn is_final(&self) -> bool {
        matches!(self, Self::Backend(error) if error.is_final())
    }
}

impl Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backend(error) => error.fmt(f),
            Self::Link(error) => error.fmt(f),
            Self::Broken(broken) => write!(f, "the backend broke the protocol: {broken}"),
        }
    }
}

impl core::error::Error for ConnectError {}

impl From<Error> for ConnectError {
    fn from(error: Error) -> Self {
        Self::Backend(error)
    }
}

impl From<LinkError> for ConnectError {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

/// Keeps a card connected.
pub(crate) struct Keeper<X: Xenstore, S, C, G: 'static, V: 'static> {
    pub(crate) frontend: Rc<Frontend<X, S, C>>,
    pub(crate) nic: &'static Nic<G, V>,
    /// Whether the backend may deliver long TCP segments whole.
    pub(crate) takes_large: bool,
}

impl<X: Xenstore, S: Scheduler, C: Clock, G: GrantTable, V: EventChannels> Keeper<X, S, C, G, V> {
    /// Connects the card to the backend that comes within `patience`, or ever.
    pub(crate) fn connect(&self, patience: Option<Duration>) -> Result<Backend<X>, ConnectError> {
        let backend = self.frontend.offer(patience)?;
        let link = self.nic.open(backend.domain, abilities(&backend)?)?;
        let connected =
            self.publish(&backend, &link).and_then(|()| self.frontend.connected(&backend, Some(PATIENCE)));
        if let Err(error) = connected {
            self.close(&backend, link);
            return Err(error.into());
        }
        self.nic.connect(link);
        Ok(backend)
    }

    /// Keeps the card connected, to `backend` and those that come after it, as long as there is a store.
    pub(crate) fn keep(&self, mut backend: Option<Backend<X>>) {
        let device = self.frontend.device();
        loop {
            match self.round(&mut backend) {
                Ok(()) => {}
                Err(error) if error.is_final() => {
                    log::error!("{device} stays disconnected: {error}");
                    return;
                }
                Err(error) if self.frontend.report(&error) => log::error!("{device}: {error}"),
                Err(_) => {}
            }
        }
    }

    /// Waits until `backend` leaves, and connects the card to the next.
    pub(crate) fn round(&self, backend: &mut Option<Backend<X>>) -> Result<(), ConnectError> {
        if let Some(backend) = backend.take() {
            self.follow(&backend)?;
        }
        *backend = Some(self.connect(None)?);
        log::info!("{}: connected", self.frontend.device());
        Ok(())
    }

    /// Waits until `backend` leaves or breaks the connection, and ends it.
    fn follow(&self, backend: &Backend<X>) -> Result<(), ConnectError> {
        let gone = self.frontend.gone(backend);
        let broken = self.nic.broken();
        if let Ok(gone) = &gone {
            log::warn!("{}: its backend {gone}; frames are lost until one is back", self.frontend.device());
        }
        if let Some(link) = self.nic.disconnect() {
            self.close(backend, link);
        }
        match broken {
            Some(broken) => Err(ConnectError::Broken(broken)),
            None => Ok(gone.map(drop)?),
        }
    }

    /// Tells the backend where everything is.
    fn publish(&self, backend: &Backend<X>, link: &Link) -> Result<(), Error> {
        let [transmit_ring, receive_ring] = link.references();
        let [transmit_port, receive_port] = link.ports().map(|port| port.0);
        let takes_large = u8::from(self.takes_large);
        let mut keys: Vec<(&str, &dyn Display)> = vec![
            ("tx-ring-ref", &transmit_ring),
            ("rx-ring-ref", &receive_ring),
            ("request-rx-copy", &1),
            ("feature-rx-notify", &1),
            ("feature-sg", &1),
            ("feature-no-csum-offload", &0),
            ("feature-ipv6-csum-offload", &1),
            ("feature-gso-tcpv4", &takes_large),
            ("feature-gso-tcpv6", &takes_large),
        ];
        if transmit_port == receive_port {
            keys.push(("event-channel", &transmit_port));
        } else {
            keys.extend([
                ("event-channel-tx", &transmit_port as _),
                ("event-channel-rx", &receive_port as _),
            ]);
        }
        self.frontend.publish(backend, &keys, State::Connected)
    }

    /// Has the backend let go of `link`, and takes back what it had.
    fn close(&self, backend: &Backend<X>, link: Link) {
        if let Err(error) = self.frontend.close(backend, PATIENCE) {
            log::warn!("{}: {error}", self.frontend.device());
        }
        self.nic.close(link);
    }
}

/// What a backend says that it can.
fn abilities<T: Tree>(backend: &Backend<T>) -> Result<Abilities, Error> {
    let flag = |key| backend.keys.flag(key);
    Ok(Abilities {
        split_channels: flag("feature-split-event-channels")?,
        offload: Offload {
            ipv4: !flag("feature-no-csum-offload")?,
            ipv6: flag("feature-ipv6-csum-offload")?,
        },
    })
}
