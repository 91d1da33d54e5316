//! The disk: requests of threads, on whatever connection there is.

use alloc::{boxed::Box, collections::VecDeque, rc::Rc, vec::Vec};
use core::{
    cell::{Cell, RefCell},
    ops::Range,
    time::Duration,
};

use granted_pages::GrantedPage;
use iface_block_device::{BlockDevice, BlockError, check};
use iface_clock::{Clock, Instant};
use iface_event_channels::EventChannels;
use iface_grant_table::{GrantTable, PAGE_SIZE};
use iface_scheduler::{Scheduler, WaitQueue};

use crate::{
    blkif::{SECTOR, Status},
    facts::Facts,
    link::{Broken, Link, Outcome, Pending, Transfer},
};

/// What a disk uses of its domain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host<C, E, G, S> {
    pub(crate) clock: C,
    pub(crate) channels: E,
    pub(crate) grants: G,
    pub(crate) scheduler: S,
}

/// A disk. What is borrowed of it is given back before the thread waits, so that handlers and other threads can.
pub(crate) struct Disk<C, E, G, S> {
    host: Host<C, E, G, S>,
    facts: Facts,
    /// How long requests wait for a backend that is away.
    patience: Duration,
    /// Tells the thread that waits for the backend to leave that it is broken.
    give_up: Box<dyn Fn()>,
    link: RefCell<Option<Link<G>>>,
    /// Why the last connection was given up, where it was and nobody asked yet.
    broken: Cell<Option<Broken>>,
    /// What a connection left that ended; its backend may have it still.
    left: RefCell<Left<G>>,
    absence: Cell<Absence>,
    /// Threads that wait for room in the ring, or for a connection.
    room: WaitQueue,
}

/// Since when there is no connection, while there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absence {
    Since(Instant),
    /// There never will be one.
    ForEver,
}

/// What is to be taken back from a backend.
struct Left<G> {
    link: Option<Link<G>>,
    pages: Vec<GrantedPage>,
}

/// Whether a thread can ask for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Some,
    None,
    Away(Absence),
}

/// Memory that a request is for.
enum Memory<'a> {
    Read(&'a mut [u8]),
    Write(&'a [u8]),
}

impl Memory<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Read(buffer) => buffer.len(),
            Self::Write(bytes) => bytes.len(),
        }
    }

    /// What is to be done for `range` of it, where all of it begins at sector `start`.
    fn transfer(&self, start: u64, range: &Range<usize>) -> Transfer<'_> {
        let bytes = match self {
            Self::Read(_) => None,
            Self::Write(bytes) => Some(&bytes[range.clone()]),
        };
        Transfer { sector: start + (range.start / SECTOR) as u64, length: range.len(), bytes }
    }
}

/// Part of a thread's memory, and the request for it.
type UnderWay = (Range<usize>, Rc<Pending>);

impl<C: Clock, E: EventChannels, G: GrantTable, S: Scheduler> Disk<C, E, G, S> {
    /// A disk with its first connection.
    pub(crate) fn new(
        host: Host<C, E, G, S>,
        facts: Facts,
        patience: Duration,
        give_up: Box<dyn Fn()>,
        link: Link<G>,
    ) -> Self {
        Self {
            host,
            facts,
            patience,
            give_up,
            link: RefCell::new(Some(link)),
            broken: Cell::new(None),
            left: RefCell::new(Left { link: None, pages: Vec::new() }),
            absence: Cell::new(Absence::ForEver),
            room: WaitQueue::new(),
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        self.facts
    }

    /// Goes on with a new connection.
    pub(crate) fn attach(&self, link: Link<G>) {
        self.link.replace(Some(link));
        self.room.wake_all(self.host.scheduler);
    }

    /// Has requests wait for the next connection, those under way included.
    pub(crate) fn detach(&self) {
        let Some(mut link) = self.link.take() else { return };
        self.absence.set(Absence::Since(self.host.clock.now()));
        link.end(self.host.scheduler);
        self.left.borrow_mut().link = Some(link);
        self.room.wake_all(self.host.scheduler);
    }

    /// Has all requests fail from now on.
    pub(crate) fn abandon(&self) {
        self.detach();
        self.absence.set(Absence::ForEver);
        self.room.wake_all(self.host.scheduler);
    }

    /// Takes back what the backend that left had. What it holds still is asked for again the next time.
    pub(crate) fn take_back(&self) -> usize {
        let mut left = self.left.borrow_mut();
        let mut pages = core::mem::take(&mut left.pages);
        if let Some(link) = left.link.take() {
            self.host.channels.close(link.port);
            pages.extend(link.into_pages());
        }
        left.pages = pages.into_iter().filter_map(|page| page.take_back(self.host.grants).err()).collect();
        left.pages.len()
    }

    /// Takes the backend's answers; called when it signalled.
    pub(crate) fn collect(&self) {
        let collected = match self.link.borrow_mut().as_mut() {
            Some(link) => link.collect(self.host.scheduler),
            None => Ok(()),
        };
        if let Err(broken) = collected {
            self.break_off(broken);
        }
    }

    fn break_off(&self, broken: Broken) {
        self.broken.set(Some(broken));
        self.detach();
        (self.give_up)();
    }

    /// Why the last connection was given up, if it was; asked once for each.
    pub(crate) fn take_broken(&self) -> Option<Broken> {
        self.broken.take()
    }

    /// Moves all of `memory` from or to the disk, from block `first` on.
    fn transfer(&self, first: u64, mut memory: Memory<'_>) -> Result<(), BlockError> {
        let start = first * (self.facts.block_size / SECTOR) as u64;
        if memory.len() == 0 {
            return Ok(());
        }
        // What was not asked for yet, or has to be asked for again.
        let mut todo: Vec<_> = core::iter::once(0..memory.len()).collect();
        let mut under_way = VecDeque::new();
        let mut result = Ok(());
        loop {
            if result.is_ok() {
                self.ask(start, &memory, &mut todo, &mut under_way);
            }
            let waited = match under_way.pop_front() {
                Some((range, pending)) => self.finish(range, &pending, &mut memory, &mut todo),
                None if result.is_err() || todo.is_empty() => return result,
                None => self.wait_for(Link::has_room),
            };
            result = result.and(waited);
        }
    }

    /// Asks for as much of `todo` as there is room for.
    fn ask(
        &self,
        start: u64,
        memory: &Memory<'_>,
        todo: &mut Vec<Range<usize>>,
        under_way: &mut VecDeque<UnderWay>,
    ) {
        let mut guard = self.link.borrow_mut();
        let Some(link) = guard.as_mut() else { return };
        let thread = self.host.scheduler.current();
        while let Some(mut range) = todo.pop() {
            let Some((length, pending)) = link.transfer(&memory.transfer(start, &range), thread) else {
                todo.push(range);
                break;
            };
            under_way.push_back((range.start..range.start + length, pending));
            range.start += length;
            if range.start < range.end {
                todo.push(range);
            }
        }
        let signal = link.publish().then_some(link.port);
        drop(guard);
        if let Some(port) = signal {
            self.host.channels.signal(port);
        }
    }

    /// Waits for a request of this thread's, and does with its data what is due.
    fn finish(
        &self,
        range: Range<usize>,
        pending: &Pending,
        memory: &mut Memory<'_>,
        todo: &mut Vec<Range<usize>>,
    ) -> Result<(), BlockError> {
        let outcome = self.wait(pending);
        if let (Outcome::Answered(Status::Okay), Memory::Read(buffer)) = (outcome, &mut *memory) {
            let pages = pending.pages.borrow();
            buffer[range.clone()]
                .chunks_mut(PAGE_SIZE)
                .zip(&*pages)
                .for_each(|(bytes, page)| page.read(bytes));
        }
        self.release(pending);
        match outcome {
            Outcome::Answered(Status::Okay) => Ok(()),
            Outcome::Answered(Status::Unsupported | Status::Failed) => Err(BlockError::Failed),
            Outcome::Lost => {
                todo.push(range);
                Ok(())
            }
        }
    }

    /// Parks until a request of this thread's has ended.
    fn wait(&self, pending: &Pending) -> Outcome {
        loop {
            if let Some(outcome) = pending.outcome.get() {
                return outcome;
            }
            self.host.scheduler.park(None);
        }
    }

    /// Gives the pages of a request back to who they belong to.
    fn release(&self, pending: &Pending) {
        let pages = pending.pages.take();
        match self.link.borrow_mut().as_mut().filter(|link| link.number == pending.connection) {
            Some(link) => link.put(pages),
            None => self.left.borrow_mut().pages.extend(pages.into_iter().map(GrantedPage::from)),
        }
        self.room.wake_all(self.host.scheduler);
    }

    /// Waits until there is a connection on which `is_enough`, as long as a backend may be away.
    fn wait_for(&self, is_enough: impl Fn(&Link<G>) -> bool) -> Result<(), BlockError> {
        loop {
            let room = self.room(&is_enough);
            let deadline = match room {
                Room::Some => return Ok(()),
                Room::None => None,
                Room::Away(Absence::Since(when)) => Some(when + self.patience),
                Room::Away(Absence::ForEver) => return Err(BlockError::Gone),
            };
            let changed = || (self.room(&is_enough) != room).then_some(());
            self.room.wait_for(self.host.scheduler, deadline, changed).ok_or(BlockError::Gone)?;
        }
    }

    fn room(&self, is_enough: impl Fn(&Link<G>) -> bool) -> Room {
        match self.link.borrow().as_ref() {
            Some(link) if is_enough(link) => Room::Some,
            Some(_) => Room::None,
            None => Room::Away(self.absence.get()),
        }
    }

    /// Asks once to write the disk's cache back; `None` where that is to be repeated.
    fn try_flush(&self) -> Result<Option<()>, BlockError> {
        self.wait_for(Link::has_slot)?;
        let mut guard = self.link.borrow_mut();
        let Some(link) = guard.as_mut() else { return Ok(None) };
        let Some(operation) = link.features.flush else { return Ok(Some(())) };
        let Some(pending) = link.flush(operation, self.host.scheduler.current()) else { return Ok(None) };
        let signal = link.publish().then_some(link.port);
        drop(guard);
        if let Some(port) = signal {
            self.host.channels.signal(port);
        }
        let outcome = self.wait(&pending);
        self.release(&pending);
        match outcome {
            Outcome::Answered(Status::Okay) => Ok(Some(())),
            Outcome::Answered(Status::Failed) => Err(BlockError::Failed),
            Outcome::Answered(Status::Unsupported) => {
                self.forget_flush(pending.connection);
                Ok(Some(()))
            }
            Outcome::Lost => Ok(None),
        }
    }

    /// Takes it that the disk has no cache: its backend can't flush it, though it said so.
    fn forget_flush(&self, connection: u64) {
        log::warn!("the backend does not flush the disk's cache, though it offered that");
        if let Some(link) = self.link.borrow_mut().as_mut().filter(|link| link.number == connection) {
            link.features.flush = None;
        }
    }
}

impl<C, E, G, S> BlockDevice for &'static Disk<C, E, G, S>
where
    C: Clock,
    E: EventChannels,
    G: GrantTable,
    S: Scheduler,
{
    fn block_size(&self) -> usize {
        self.facts.block_size
    }

    fn blocks(&self) -> u64 {
        self.facts.blocks
    }

    fn is_read_only(&self) -> bool {
        self.facts.is_read_only
    }

    fn read(&self, first: u64, buffer: &mut [u8]) -> Result<(), BlockError> {
        check(self, first, buffer.len())?;
        self.transfer(first, Memory::Read(buffer))
    }

    fn write(&self, first: u64, bytes: &[u8]) -> Result<(), BlockError> {
        if self.facts.is_read_only {
            return Err(BlockError::ReadOnly);
        }
        check(self, first, bytes.len())?;
        self.transfer(first, Memory::Write(bytes))
    }

    fn flush(&self) -> Result<(), BlockError> {
        loop {
            if let Some(()) = self.try_flush()? {
                return Ok(());
            }
        }
    }
}
