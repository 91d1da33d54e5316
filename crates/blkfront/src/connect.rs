//! Connecting to the backend, and doing so again when it goes and comes.

use alloc::vec::Vec;
use core::{
    cell::RefCell,
    fmt::{self, Display},
    mem,
    time::Duration,
};

use granted_pages::{GrantedPage, PageError};
use iface_clock::Clock;
use iface_event_channels::{ChannelError, EventChannels, Source};
use iface_grant_table::{GrantTable, PAGE_SIZE};
use iface_scheduler::Scheduler;
use iface_xenstore::Xenstore;
use xenbus::{Backend, Error, Frontend, State};

use crate::{
    Config,
    disk::{Disk, Host},
    facts::Facts,
    link::{Features, Link},
};

/// How long a backend may take for each step of the handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// The handshake failed.
    Bus(Error),
    /// There is no event channel.
    Channel(ChannelError),
    /// There is no page to share.
    Page(PageError),
    /// Earlier backends hold so many pages still that they get no others in their place.
    Held(usize),
    /// The disk that came is another one than that which went: its blocks, their number, or whether it can be written.
    AnotherDisk,
}

impl ConnectError {
    /// Whether there will be no connection any more.
    fn is_final(&self) -> bool {
        matches!(self, Self::Bus(error) if error.is_final())
    }
}

impl Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(error) => error.fmt(f),
            Self::Channel(error) => error.fmt(f),
            Self::Page(error) => error.fmt(f),
            Self::Held(pages) => write!(f, "earlier backends hold {pages} pages still"),
            Self::AnotherDisk => {
                f.write_str("the disk that came is not of the size and kind of the one that went")
            }
        }
    }
}

impl core::error::Error for ConnectError {}

impl From<Error> for ConnectError {
    fn from(error: Error) -> Self {
        Self::Bus(error)
    }
}

impl From<ChannelError> for ConnectError {
    fn from(error: ChannelError) -> Self {
        Self::Channel(error)
    }
}

impl From<PageError> for ConnectError {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

/// The device's end of the handshake, and what is shared with each backend.
pub(crate) struct Connector<X: Xenstore, C, E, G, S> {
    pub(crate) config: &'static Config,
    pub(crate) host: Host<C, E, G, S>,
    /// Fires when the backend signals.
    pub(crate) source: Source,
    pub(crate) frontend: Frontend<X, S, C>,
    /// What is left of connections that did not come about; a backend may have it still.
    pub(crate) left: RefCell<Vec<GrantedPage>>,
}

impl<X, C, E, G, S> Connector<X, C, E, G, S>
where
    X: Xenstore,
    C: Clock,
    E: EventChannels,
    G: GrantTable,
    S: Scheduler,
{
    /// Connects for the first time.
    pub(crate) fn first(&self) -> Result<(Backend<X>, Link<G>, Facts), ConnectError> {
        let backend = self.frontend.offer(Some(PATIENCE))?;
        let (link, facts) = self.connect(&backend, 0, None)?;
        Ok((backend, link, facts))
    }

    /// Connects with a backend that offered itself, to a disk as `expected`.
    fn connect(
        &self,
        backend: &Backend<X>,
        number: u64,
        expected: Option<Facts>,
    ) -> Result<(Link<G>, Facts), ConnectError> {
        let mut link = self.link(backend, number)?;
        match self.introduce(backend, &mut link, expected) {
            Ok(facts) => Ok((link, facts)),
            Err(error) => {
                self.leave(backend, link);
                Err(error)
            }
        }
    }

    /// What is to be shared with the backend.
    fn link(&self, backend: &Backend<X>, number: u64) -> Result<Link<G>, ConnectError> {
        let port = self.host.channels.open(self.source, backend.domain)?;
        // Requests name the device by 16 bits; backends do not look.
        let device = self.frontend.device().number as u16;
        let link = Link::new(self.host.grants, backend.domain, port, device, number, self.pages());
        link.map_err(|error| {
            self.host.channels.close(port);
            error.into()
        })
    }

    /// Pages for data.
    fn pages(&self) -> usize {
        usize::from(self.config.buffer_kib) * 1024 / PAGE_SIZE
    }

    /// Ends a connection that did not come about.
    fn leave(&self, backend: &Backend<X>, link: Link<G>) {
        let closed = self.frontend.close(backend, PATIENCE);
        self.host.channels.close(link.port);
        self.left.borrow_mut().extend(link.into_pages());
        let held = self.take_back();
        log::debug!("the backend is left ({closed:?}); {held} pages are held");
    }

    /// Takes back what backends let go of, and says how many pages they hold still.
    fn take_back(&self) -> usize {
        let mut left = self.left.borrow_mut();
        let pages = mem::take(&mut *left);
        left.extend(pages.into_iter().filter_map(|page| page.take_back(self.host.grants).err()));
        left.len()
    }

    /// Tells the backend of the ring, and asks what the disk is.
    fn introduce(
        &self,
        backend: &Backend<X>,
        link: &mut Link<G>,
        expected: Option<Facts>,
    ) -> Result<Facts, ConnectError> {
        let keys: [(&str, &dyn Display); 4] = [
            ("ring-ref", &link.ring_reference().0),
            ("event-channel", &link.port.0),
            ("protocol", &self.config.protocol),
            ("feature-persistent", &1),
        ];
        self.frontend.publish(backend, &keys, State::Initialised)?;
        self.frontend.connected(backend, Some(PATIENCE))?;
        let facts = Facts::read(&backend.keys)?;
        if expected.is_some_and(|expected| expected != facts) {
            return Err(ConnectError::AnotherDisk);
        }
        link.features = Features::read(&backend.keys, self.pages())?;
        self.frontend.publish(backend, &[], State::Connected)?;
        Ok(facts)
    }

    /// Sees each backend off, and takes up the next, as long as there is a store.
    pub(crate) fn serve(&self, disk: &Disk<C, E, G, S>, first: Backend<X>) {
        let error = self.serve_all(disk, first);
        log::error!("the disk is gone for ever: {error}");
        disk.abandon();
    }

    fn serve_all(&self, disk: &Disk<C, E, G, S>, mut backend: Backend<X>) -> ConnectError {
        for number in 1.. {
            if let Err(error) = self.see_off(disk, &backend) {
                return error;
            }
            backend = match self.next(disk, number) {
                Ok(backend) => backend,
                Err(error) => return error,
            };
            log::info!("there is a backend again");
        }
        unreachable!("numbers of 64 bits do not end")
    }

    /// Waits for the backend to leave, and takes back what it had. Only a store that can't be used any more is an error:
    /// nonsense that a backend writes there has it left.
    fn see_off(&self, disk: &Disk<C, E, G, S>, backend: &Backend<X>) -> Result<(), ConnectError> {
        let gone = self.frontend.gone(backend);
        disk.detach();
        let closed = self.frontend.close(backend, PATIENCE);
        let held = disk.take_back();
        if held != 0 {
            log::warn!("the backend that left holds {held} pages still");
        }
        if let Some(broken) = disk.take_broken() {
            self.tell(&format_args!("the backend broke the protocol: {broken}"));
        }
        let gone = gone.map(|gone| log::info!("the backend {gone}; requests wait for the next"));
        for error in [gone, closed].into_iter().filter_map(Result::err) {
            if error.is_final() {
                return Err(error.into());
            }
            self.tell(&error);
        }
        Ok(())
    }

    /// The next backend, connected. Only a store that can't be used any more ends the attempts.
    fn next(&self, disk: &Disk<C, E, G, S>, number: u64) -> Result<Backend<X>, ConnectError> {
        loop {
            match self.attempt(disk, number) {
                Err(error) if !error.is_final() => self.tell(&error),
                end => return end,
            }
        }
    }

    /// Tells of what failed, unless that was told just before.
    fn tell(&self, error: &dyn Display) {
        if self.frontend.report(error) {
            log::error!("{error}");
        }
    }

    fn attempt(&self, disk: &Disk<C, E, G, S>, number: u64) -> Result<Backend<X>, ConnectError> {
        let backend = self.frontend.offer(None)?;
        let held = disk.take_back() + self.take_back();
        if held > self.pages() {
            return Err(ConnectError::Held(held));
        }
        let (link, _) = self.connect(&backend, number, Some(disk.facts()))?;
        disk.attach(link);
        Ok(backend)
    }
}
