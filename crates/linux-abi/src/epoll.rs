//! `epoll`: files that are watched for long, at a cost that grows with those that become ready.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};

use linux_raw_sys::general::{
    __kernel_timespec as Timespec, EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLET,
    EPOLLEXCLUSIVE, EPOLLONESHOT, EPOLLWAKEUP, O_RDWR, epoll_event,
};
use open_file::{Errno, Kind, OpenFile, Readiness, Status, Watcher, Watchers};

use crate::descriptors::{Description, Descriptor, Entry};
use crate::linux::{Linux, World};
use crate::user::{User, plain};

/// Bits of an interest that say how, not for what.
const MANNERS: u32 = EPOLLET | EPOLLEXCLUSIVE | EPOLLONESHOT | EPOLLWAKEUP;

plain!(epoll_event);

/// A file that is watched.
struct Item {
    /// Its descriptor's own part; gone once the last descriptor made of it is closed.
    description: Weak<Description>,
    /// `EPOLLIN` and the like, with [`MANNERS`]; what is always told is among it, unless it is switched off.
    interest: Cell<u32>,
    /// What the program gets back with it.
    data: Cell<u64>,
    /// Whether it stands in the queue.
    queued: Cell<bool>,
    queue: Weak<Queue>,
}

/// Files that may be ready, in the order in which they became so.
#[derive(Default)]
struct Queue {
    items: RefCell<VecDeque<Rc<Item>>>,
    /// Who waits for the `epoll` itself.
    watchers: Watchers,
}

impl Queue {
    fn push(&self, item: Rc<Item>) {
        if !item.queued.replace(true) {
            self.items.borrow_mut().push_back(item);
        }
    }
}

impl Item {
    fn wants(&self, what: Readiness) -> Readiness {
        match Readiness(self.interest.get() & !MANNERS) {
            // Switched off by EPOLLONESHOT.
            Readiness::NONE => Readiness::NONE,
            interest => what.of_interest(interest),
        }
    }

    /// What it is ready for; `None` where its file is closed.
    fn ready(&self) -> Option<Readiness> {
        Some(self.wants(self.description.upgrade()?.file.readiness()))
    }

    fn is(&self, manner: u32) -> bool {
        self.interest.get() & manner != 0
    }
}

/// An item as those who tell of readiness know it.
struct Told(Weak<Item>);

impl Watcher for Told {
    fn notified(&self, what: Readiness) {
        let Some(item) = self.0.upgrade() else { return };
        let Some(queue) = item.queue.upgrade() else { return };
        if !item.wants(what).is_empty() && !item.queued.get() {
            queue.push(item);
            queue.watchers.notify(Readiness::IN);
        }
    }
}

/// An item, and what keeps it told.
struct Held {
    item: Rc<Item>,
    told: Rc<dyn Watcher>,
}

/// What `epoll_create` makes.
pub(crate) struct Epoll {
    items: RefCell<BTreeMap<i32, Held>>,
    queue: Rc<Queue>,
}

impl Epoll {
    fn new() -> Self {
        Self { items: RefCell::default(), queue: Rc::default() }
    }

    fn add(&self, fd: i32, description: &Rc<Description>, event: epoll_event) -> Result<(), Errno> {
        let watchers = description.file.watchers().ok_or(Errno::EPERM)?;
        let mut items = self.items.borrow_mut();
        // A number that stood for a file that is closed may stand for another one now.
        if items.get(&fd).is_some_and(|held| held.item.description.ptr_eq(&Rc::downgrade(description))) {
            return Err(Errno::EEXIST);
        }
        let item = Rc::new(Item {
            description: Rc::downgrade(description),
            interest: Cell::new(event.events | Readiness::ALWAYS.0),
            data: Cell::new(event.data),
            queued: Cell::new(false),
            queue: Rc::downgrade(&self.queue),
        });
        let told: Rc<dyn Watcher> = Rc::new(Told(Rc::downgrade(&item)));
        watchers.add(&told);
        self.look_at(&item);
        items.insert(fd, Held { item, told });
        Ok(())
    }

    fn change(&self, fd: i32, description: &Rc<Description>, event: epoll_event) -> Result<(), Errno> {
        let items = self.items.borrow();
        let item = &Self::held(&items, fd, description)?.item;
        if item.is(EPOLLEXCLUSIVE) || event.events & EPOLLEXCLUSIVE != 0 {
            return Err(Errno::EINVAL);
        }
        item.interest.set(event.events | Readiness::ALWAYS.0);
        item.data.set(event.data);
        self.look_at(item);
        Ok(())
    }

    fn remove(&self, fd: i32, description: &Rc<Description>) -> Result<(), Errno> {
        let mut items = self.items.borrow_mut();
        let held = Self::held(&items, fd, description)?;
        if let Some(watchers) = description.file.watchers() {
            watchers.remove(&held.told);
        }
        // It may stand in the queue still.
        held.item.interest.set(0);
        items.remove(&fd);
        Ok(())
    }

    fn held<'a>(
        items: &'a BTreeMap<i32, Held>,
        fd: i32,
        description: &Rc<Description>,
    ) -> Result<&'a Held, Errno> {
        let held = items.get(&fd).ok_or(Errno::ENOENT)?;
        let same = held.item.description.ptr_eq(&Rc::downgrade(description));
        if same { Ok(held) } else { Err(Errno::ENOENT) }
    }

    /// Puts an item into the queue where its file is ready already.
    fn look_at(&self, item: &Rc<Item>) {
        if item.ready().is_some_and(|ready| !ready.is_empty()) {
            self.queue.push(Rc::clone(item));
            self.queue.watchers.notify(Readiness::IN);
        }
    }

    /// Events of files that are ready, `most` of them, if any is. Each item of the queue is looked at once.
    fn take(&self, most: usize) -> Option<Vec<epoll_event>> {
        let mut events = Vec::new();
        let mut again = Vec::new();
        while events.len() < most {
            let Some(item) = self.queue.items.borrow_mut().pop_front() else { break };
            item.queued.set(false);
            let Some(ready) = item.ready().filter(|ready| !ready.is_empty()) else { continue };
            events.push(epoll_event { events: ready.0, data: item.data.get() });
            if item.is(EPOLLONESHOT) {
                item.interest.set(item.interest.get() & MANNERS);
            } else if !item.is(EPOLLET) {
                again.push(item);
            }
        }
        // What is level-triggered is told again next time, if it is ready then still.
        again.into_iter().for_each(|item| self.queue.push(item));
        if events.is_empty() { None } else { Some(events) }
    }

    /// Forgets numbers whose files are closed: as many as are looked at grow with those that were added.
    fn sweep(&self) {
        self.items.borrow_mut().retain(|_, held| held.item.description.strong_count() > 0);
    }
}

impl OpenFile for Epoll {
    fn status(&self) -> Result<Status, Errno> {
        Ok(anonymous())
    }

    fn readiness(&self) -> Readiness {
        let any =
            self.queue.items.borrow().iter().any(|item| item.ready().is_some_and(|ready| !ready.is_empty()));
        if any { Readiness::IN } else { Readiness::NONE }
    }

    fn watchers(&self) -> Option<&Watchers> {
        Some(&self.queue.watchers)
    }
}

/// What fstat(2) says of a file that is in no tree.
pub(crate) fn anonymous() -> Status {
    Status {
        kind: Kind::Anonymous,
        permissions: 0o600,
        inode: 1,
        device: 0,
        special: (0, 0),
        links: 1,
        size: 0,
        modified: 0,
    }
}

impl<W: World> Linux<W> {
    pub fn make_epoll(&self, size: i32) -> Result<Descriptor, Errno> {
        if size <= 0 { Err(Errno::EINVAL) } else { self.make_epoll_with_flags(0) }
    }

    pub fn make_epoll_with_flags(&self, flags: u32) -> Result<Descriptor, Errno> {
        if flags & !EPOLL_CLOEXEC != 0 {
            return Err(Errno::EINVAL);
        }
        let entry = Entry::new(Rc::new(Epoll::new()), O_RDWR, flags & EPOLL_CLOEXEC != 0);
        self.descriptors.borrow_mut().add(entry)
    }

    pub fn control_epoll(
        &self,
        epoll: Descriptor,
        operation: u32,
        fd: Descriptor,
        event: User<epoll_event>,
    ) -> Result<(), Errno> {
        let epoll_file = self.file(epoll)?;
        let description = Rc::clone(&self.descriptors.borrow().get(fd)?.description);
        let epoll = as_epoll(&*epoll_file)?;
        if Rc::ptr_eq(&epoll_file, &description.file) {
            return Err(Errno::EINVAL);
        }
        match operation {
            EPOLL_CTL_ADD => epoll.add(fd.0, &description, self.load(event)?),
            EPOLL_CTL_MOD => epoll.change(fd.0, &description, self.load(event)?),
            EPOLL_CTL_DEL => epoll.remove(fd.0, &description),
            _ => Err(Errno::EINVAL),
        }
    }

    pub fn wait_epoll(
        &self,
        epoll: Descriptor,
        events: User<epoll_event>,
        most: i32,
        milliseconds: i32,
    ) -> Result<usize, Errno> {
        self.wait_epoll_until(epoll, events, most, self.deadline_in(milliseconds))
    }

    pub fn wait_epoll_with_mask(
        &self,
        epoll: Descriptor,
        events: User<epoll_event>,
        most: i32,
        milliseconds: i32,
        mask: User<u64>,
        mask_size: usize,
    ) -> Result<usize, Errno> {
        let deadline = self.deadline_in(milliseconds);
        self.with_mask(mask, mask_size, || self.wait_epoll_until(epoll, events, most, deadline))
    }

    pub fn wait_epoll_precisely(
        &self,
        epoll: Descriptor,
        events: User<epoll_event>,
        most: i32,
        time: User<Timespec>,
        mask: User<u64>,
        mask_size: usize,
    ) -> Result<usize, Errno> {
        let deadline = self.deadline_of(time)?;
        self.with_mask(mask, mask_size, || self.wait_epoll_until(epoll, events, most, deadline))
    }

    fn wait_epoll_until(
        &self,
        epoll: Descriptor,
        events: User<epoll_event>,
        most: i32,
        deadline: Option<iface_clock::Instant>,
    ) -> Result<usize, Errno> {
        let most = usize::try_from(most).ok().filter(|most| *most > 0).ok_or(Errno::EINVAL)?;
        let file = self.file(epoll)?;
        let epoll = as_epoll(&*file)?;
        let watchers = || file.watchers().into_iter();
        let taken = match self.wait_for_any(watchers, deadline, || epoll.take(most))? {
            Some(taken) => taken,
            None => {
                epoll.sweep();
                return Ok(0);
            }
        };
        for (index, event) in taken.iter().enumerate() {
            self.store(events.at(index), *event)?;
        }
        Ok(taken.len())
    }
}

fn as_epoll(file: &dyn OpenFile) -> Result<&Epoll, Errno> {
    (file as &dyn Any).downcast_ref().ok_or(Errno::EINVAL)
}
