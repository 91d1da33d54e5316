//! Pollers: an epoll instance each, all of them watched by one more, which is the platform's event source.
//!
//! The one that watches is edge-triggered: it tells of a poller when something new became ready there, and is quiet
//! until then even if nobody asks that poller. So an image whose threads are busy elsewhere does not spin, and waking
//! costs as many steps as there are pollers with news.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::mem::MaybeUninit;

use iface_events::Source;
use iface_net_stack::{Instant, Poller, Readiness, Socket};
use iface_scheduler::{Scheduler, WaitQueue};
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::{AsRawFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;

use crate::socket::ready;

/// Events taken from the kernel at once.
const BATCH: usize = 64;

/// Stands for [`Pollers::notices`] where pollers are told by their index.
const NOTICES: u64 = u64::MAX;

/// Every poller.
pub struct Pollers {
    news: OwnedFd,
    /// Watches every socket of which somebody is told.
    notices: OwnedFd,
    table: RefCell<Vec<Rc<Entry>>>,
}

struct Entry {
    epoll: OwnedFd,
    waiting: WaitQueue,
}

impl Pollers {
    /// None yet.
    pub fn new() -> Result<Self, Errno> {
        let (news, notices) = (epoll::create(CreateFlags::CLOEXEC)?, epoll::create(CreateFlags::CLOEXEC)?);
        epoll::add(&news, &notices, EventData::new_u64(NOTICES), EventFlags::IN | EventFlags::ET)?;
        Ok(Self { news, notices, table: RefCell::default() })
    }

    /// What fires when a poller has news.
    pub fn source(&self) -> Source {
        Source(self.news.as_raw_fd() as u32)
    }

    /// Wakes who waits for the pollers that have news, and calls `tell` with what epoll(7) says of sockets of which somebody
    /// is told.
    pub fn wake<S: Scheduler>(&self, scheduler: S, tell: impl Fn(Socket, u32)) {
        loop {
            let mut batch = [MaybeUninit::uninit(); BATCH];
            let events = taken(&self.news, &mut batch);
            for event in events.iter() {
                if event.data.u64() == NOTICES {
                    self.tell_all(&tell);
                } else if let Some(entry) = self.entry(Poller(event.data.u64() as u32)) {
                    entry.waiting.wake_all(scheduler);
                }
            }
            if events.len() < BATCH {
                return;
            }
        }
    }

    fn tell_all(&self, tell: impl Fn(Socket, u32)) {
        loop {
            let mut batch = [MaybeUninit::uninit(); BATCH];
            let events = taken(&self.notices, &mut batch);
            events.iter().for_each(|event| tell(socket(event.data), { event.flags }.bits()));
            if events.len() < BATCH {
                return;
            }
        }
    }

    /// Has [`wake`](Pollers::wake) tell of `fd`, which is that of `socket`, as it becomes ready.
    pub fn tell_of(&self, fd: BorrowedFd<'_>, socket: Socket) -> Result<(), Errno> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&self.notices, fd, data(socket), flags)
    }

    /// Ends what [`tell_of`](Pollers::tell_of) began.
    pub fn tell_no_more(&self, fd: BorrowedFd<'_>) {
        // It fails where it was not begun.
        let _ = epoll::delete(&self.notices, fd);
    }

    /// A new one.
    pub fn open(&self) -> Result<Poller, Errno> {
        let entry = Entry { epoll: epoll::create(CreateFlags::CLOEXEC)?, waiting: WaitQueue::new() };
        let mut table = self.table.borrow_mut();
        let index = table.len() as u32;
        epoll::add(
            &self.news,
            &entry.epoll,
            EventData::new_u64(index.into()),
            EventFlags::IN | EventFlags::ET,
        )?;
        table.push(Rc::new(entry));
        Ok(Poller(index))
    }

    /// Has `poller` watch `fd`, which is that of `socket`.
    pub fn add(
        &self,
        poller: Poller,
        fd: BorrowedFd<'_>,
        socket: Socket,
        interest: Readiness,
    ) -> Result<(), Errno> {
        let entry = self.entry(poller).ok_or(Errno::BADF)?;
        epoll::add(&entry.epoll, fd, data(socket), flags(interest))
    }

    /// Changes what `poller` watches `fd` for.
    pub fn modify(
        &self,
        poller: Poller,
        fd: BorrowedFd<'_>,
        socket: Socket,
        interest: Readiness,
    ) -> Result<(), Errno> {
        let entry = self.entry(poller).ok_or(Errno::BADF)?;
        epoll::modify(&entry.epoll, fd, data(socket), flags(interest))
    }

    /// Has `poller` watch `fd` no longer.
    pub fn remove(&self, poller: Poller, fd: BorrowedFd<'_>) {
        if let Some(entry) = self.entry(poller) {
            // It fails where it was not watched.
            let _ = epoll::delete(&entry.epoll, fd);
        }
    }

    /// Suspends the running thread until `poller` has a ready socket that `take` wants, or `deadline`. `take` is called
    /// for at most `most` of them, and returns whether it took the one it was given.
    pub fn wait<S: Scheduler>(
        &self,
        scheduler: S,
        poller: Poller,
        most: usize,
        deadline: Option<Instant>,
        mut take: impl FnMut(Socket, Readiness) -> bool,
    ) -> bool {
        let Some(entry) = self.entry(poller) else { return false };
        let mut any = || {
            let mut batch = [MaybeUninit::uninit(); BATCH];
            let events = taken(&entry.epoll, &mut batch[..most.min(BATCH)]);
            let took = |event: &epoll::Event| take(socket(event.data), ready({ event.flags }.bits()));
            (events.iter().map(took).filter(|took| *took).count() > 0).then_some(())
        };
        entry.waiting.wait_for(scheduler, deadline, &mut any).is_some()
    }

    fn entry(&self, poller: Poller) -> Option<Rc<Entry>> {
        self.table.borrow().get(poller.0 as usize).cloned()
    }
}

/// Takes what is ready now.
fn taken<'a>(epoll: &OwnedFd, batch: &'a mut [MaybeUninit<epoll::Event>]) -> &'a [epoll::Event] {
    if batch.is_empty() {
        return &[];
    }
    match epoll::wait(epoll, batch, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
        Ok((events, _)) => events,
        Err(_) => &[],
    }
}

fn flags(interest: Readiness) -> EventFlags {
    let mut flags = EventFlags::empty();
    flags.set(EventFlags::IN, interest.readable);
    flags.set(EventFlags::OUT, interest.writable);
    flags
}

fn data(socket: Socket) -> EventData {
    EventData::new_u64(u64::from(socket.generation) << 32 | u64::from(socket.index))
}

fn socket(data: EventData) -> Socket {
    Socket { index: data.u64() as u32, generation: (data.u64() >> 32) as u32 }
}
