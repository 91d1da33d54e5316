//! A connection to a backend: a ring, and pages for data.

use alloc::{rc::Rc, vec::Vec};
use core::{
    cell::{Cell, RefCell},
    fmt::{self, Display},
};

use granted_pages::{GrantedPage, PageError, SharedPage, SharedRing};
use iface_event_channels::Port;
use iface_grant_table::{DomainId, GrantTable, PAGE_SIZE, Reference};
use iface_scheduler::{Scheduler, ThreadId};
use xen_ring::{InFlight, RingError};
use zerocopy::IntoBytes;

use crate::{
    blkif::{DIRECT_SEGMENTS, INDIRECT_SEGMENTS, Operation, Request, Response, SECTOR, Segment, Status},
    pool::Pool,
};

/// Requests of a ring of one page.
const REQUESTS: usize = 32;

/// Why a connection can't go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// An index is impossible.
    Ring(RingError),
    /// A response is for no request that is under way.
    UnknownId(u64),
    /// A response is for another operation than that of its request.
    Operation { id: u64, operation: u8 },
}

impl Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ring(error) => error.fmt(f),
            Self::UnknownId(id) => write!(f, "it answers request {id}, which is not under way"),
            Self::Operation { id, operation } => {
                write!(f, "it answers request {id} as operation {operation}, which it is not")
            }
        }
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The backend answered.
    Answered(Status),
    /// The backend left before.
    Lost,
}

/// A request that was made.
#[derive(Debug)]
pub(crate) struct Pending {
    /// Number of the connection that it was made on.
    pub(crate) connection: u64,
    operation: Operation,
    /// Who waits for it.
    thread: ThreadId,
    /// Its data, in order, and behind them the page with its segments.
    pub(crate) pages: RefCell<Vec<SharedPage>>,
    pub(crate) outcome: Cell<Option<Outcome>>,
}

impl Pending {
    fn end<S: Scheduler>(&self, outcome: Outcome, scheduler: S) {
        self.outcome.set(Some(outcome));
        scheduler.unpark(self.thread);
    }
}

/// What a backend offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    /// Pages of data that a request may have.
    pub(crate) segments: usize,
    /// By what operation the disk's cache is written back, where it has one.
    pub(crate) flush: Option<Operation>,
}

impl Default for Features {
    fn default() -> Self {
        Self { segments: DIRECT_SEGMENTS, flush: None }
    }
}

/// Data that are to be read or written.
pub(crate) struct Transfer<'a> {
    /// Where they are on the disk.
    pub(crate) sector: u64,
    /// Whole sectors, at least one.
    pub(crate) length: usize,
    /// What to write; `None` to read.
    pub(crate) bytes: Option<&'a [u8]>,
}

/// A connection.
pub(crate) struct Link<G> {
    /// Which one of this disk's.
    pub(crate) number: u64,
    pub(crate) port: Port,
    pub(crate) features: Features,
    /// The device, as requests name it.
    device: u16,
    ring: SharedRing<Request, Response>,
    in_flight: InFlight<Rc<Pending>, REQUESTS>,
    pool: Pool<G>,
}

impl<G: GrantTable> Link<G> {
    /// What is shared with `backend`, which knows nothing of it yet.
    ///
    /// # Errors
    /// As [`PageError`] says; nothing is shared then.
    pub(crate) fn new(
        grants: G,
        backend: DomainId,
        port: Port,
        device: u16,
        number: u64,
        pages: usize,
    ) -> Result<Self, PageError> {
        let ring = SharedRing::new(SharedPage::allocate(grants, backend)?);
        let pool = match Pool::new(grants, backend, pages) {
            Ok(pool) => pool,
            Err(error) => {
                // Nobody was told of the page yet, so that nobody holds it.
                let _ = GrantedPage::from(ring).take_back(grants);
                return Err(error);
            }
        };
        let (features, in_flight) = (Features::default(), InFlight::new());
        Ok(Self { number, port, features, device, ring, in_flight, pool })
    }

    /// By what the backend names the ring's page.
    pub(crate) fn ring_reference(&self) -> Reference {
        self.ring.reference()
    }

    /// Whether [`transfer`](Self::transfer) would ask for something.
    pub(crate) fn has_room(&self) -> bool {
        self.has_slot() && self.pool.has_some()
    }

    /// Whether [`flush`](Self::flush) would ask.
    pub(crate) fn has_slot(&self) -> bool {
        self.ring.free() != 0 && !self.in_flight.is_full()
    }

    /// Asks for as much of `transfer` from its beginning on as one request takes, and says how many bytes that is; `None`
    /// where there is no room. The backend sees it after [`publish`](Self::publish).
    pub(crate) fn transfer(
        &mut self,
        transfer: &Transfer<'_>,
        thread: ThreadId,
    ) -> Option<(usize, Rc<Pending>)> {
        if !self.has_slot() {
            return None;
        }
        let wanted = transfer.length.div_ceil(PAGE_SIZE).min(self.features.segments);
        let is_long = wanted > DIRECT_SEGMENTS;
        let mut pages = self.pool.take(wanted + usize::from(is_long));
        let is_long = pages.len() > DIRECT_SEGMENTS;
        let of_data = pages.len() - usize::from(is_long);
        let length = transfer.length.min(of_data * PAGE_SIZE);
        if length == 0 {
            return None;
        }
        if let Some(bytes) = transfer.bytes {
            pages
                .iter_mut()
                .zip(bytes[..length].chunks(PAGE_SIZE))
                .for_each(|(page, bytes)| page.write(bytes));
        }
        let segments: Vec<Segment> = segments(&pages[..of_data], length).collect();
        if let Some(table) = pages.last_mut().filter(|_| is_long) {
            table.write(segments.as_bytes());
        }
        let table = pages.last().map(SharedPage::reference).filter(|_| is_long);
        let operation = if transfer.bytes.is_some() { Operation::Write } else { Operation::Read };
        let pending = self.ask(operation, thread, pages, |device, id| match table {
            Some(table) => Request::indirect(operation, device, id, transfer.sector, table, segments.len()),
            None => Request::direct(operation, device, id, transfer.sector, segments.iter().copied()),
        })?;
        Some((length, pending))
    }

    /// Asks to write the disk's cache back; `None` where there is no room.
    pub(crate) fn flush(&mut self, operation: Operation, thread: ThreadId) -> Option<Rc<Pending>> {
        if !self.has_slot() {
            return None;
        }
        self.ask(operation, thread, Vec::new(), |device, id| {
            Request::direct(operation, device, id, 0, core::iter::empty())
        })
    }

    fn ask(
        &mut self,
        operation: Operation,
        thread: ThreadId,
        pages: Vec<SharedPage>,
        request: impl FnOnce(u16, u16) -> Request,
    ) -> Option<Rc<Pending>> {
        let (pages, outcome) = (RefCell::new(pages), Cell::new(None));
        let pending = Rc::new(Pending { connection: self.number, operation, thread, pages, outcome });
        let id = self.in_flight.insert(Rc::clone(&pending))?;
        self.ring.push(request(self.device, id)).ok()?;
        Some(pending)
    }

    /// Lets the backend see what was asked; true: it wants to be signalled.
    #[must_use]
    pub(crate) fn publish(&mut self) -> bool {
        self.ring.publish()
    }

    /// Takes all answers, and wakes who waits for them.
    ///
    /// # Errors
    /// The connection is to be [ended](Self::end).
    pub(crate) fn collect<S: Scheduler>(&mut self, scheduler: S) -> Result<(), Broken> {
        loop {
            while let Some(response) = self.ring.pop().map_err(Broken::Ring)? {
                self.answer(response, scheduler)?;
            }
            if self.ring.arm(1).map_err(Broken::Ring)? {
                return Ok(());
            }
        }
    }

    fn answer<S: Scheduler>(&mut self, response: Response, scheduler: S) -> Result<(), Broken> {
        let id = response.id;
        let pending = u16::try_from(id).ok().and_then(|id| self.in_flight.take(id));
        let pending = pending.ok_or(Broken::UnknownId(id))?;
        if response.answers(pending.operation) {
            pending.end(Outcome::Answered(response.status()), scheduler);
            return Ok(());
        }
        pending.end(Outcome::Lost, scheduler);
        Err(Broken::Operation { id, operation: response.operation() })
    }

    /// Has everything that was asked end as lost.
    pub(crate) fn end<S: Scheduler>(&mut self, scheduler: S) {
        self.in_flight.drain().for_each(|(_, pending)| pending.end(Outcome::Lost, scheduler));
    }

    /// Takes pages that a request had.
    pub(crate) fn put(&mut self, pages: Vec<SharedPage>) {
        pages.into_iter().for_each(|page| self.pool.put(page));
    }

    /// All that is shared with the backend, but for what requests have. The ring is gone with this.
    pub(crate) fn into_pages(self) -> impl Iterator<Item = GrantedPage> {
        self.pool.into_pages().into_iter().map(GrantedPage::from).chain([self.ring.into()])
    }
}

/// How `length` bytes lie in `pages`.
fn segments(pages: &[SharedPage], length: usize) -> impl Iterator<Item = Segment> {
    pages.iter().enumerate().map(move |(index, page)| {
        let rest = length - index * PAGE_SIZE;
        debug_assert!(rest >= SECTOR && pages.len() <= INDIRECT_SEGMENTS);
        Segment::new(page.reference(), rest.min(PAGE_SIZE))
    })
}
