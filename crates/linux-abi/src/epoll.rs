//! `epoll`: files that are watched for long, at a cost that grows with those that become ready.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};
use core::ptr;

use linux_raw_sys::general::{
    __kernel_timespec as Timespec, EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLERR,
    EPOLLET, EPOLLEXCLUSIVE, EPOLLHUP, EPOLLIN, EPOLLONESHOT, EPOLLOUT, EPOLLWAKEUP, O_RDWR, epoll_event,
};
use open_file::{Errno, Kind, OpenFile, Readiness, Status, Watcher, Watchers};

use crate::descriptors::{Description, Descriptor, Entry};
use crate::linux::{Linux, World};
use crate::user::{User, plain};

/// Bits of an interest that say how, not for what.
const MANNERS: u32 = EPOLLET | EPOLLEXCLUSIVE | EPOLLONESHOT | EPOLLWAKEUP;
/// All bits that an interest with `EPOLLEXCLUSIVE` may have (epoll_ctl(2)).
const EXCLUSIVE: u32 = EPOLLEXCLUSIVE | EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET;
/// Epolls stand in one another no deeper (`EP_MAX_NESTS` of Linux): a look at the outermost goes through all.
const DEEPEST: u32 = 4;

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

/// What a file is watched by: a number, and what it stood for then. The number of one that is closed may stand for another
/// file while the first is open still under another number.
type Key = (i32, *const Description);

/// What `epoll_create` makes.
pub(crate) struct Epoll {
    items: RefCell<BTreeMap<Key, Held>>,
    queue: Rc<Queue>,
    /// How deep others stand in it, or more where some have been closed.
    depth: Cell<u32>,
    /// The epolls that watch it.
    outer: RefCell<Vec<Weak<dyn OpenFile>>>,
}

impl Epoll {
    fn new() -> Self {
        Self {
            items: RefCell::default(),
            queue: Rc::default(),
            depth: Cell::new(0),
            outer: RefCell::default(),
        }
    }

    fn add(&self, fd: i32, description: &Rc<Description>, event: epoll_event) -> Result<(), Errno> {
        let watchers = description.file.watchers().ok_or(Errno::EPERM)?;
        let mut items = self.items.borrow_mut();
        let key = (fd, Rc::as_ptr(description));
        if items.contains_key(&key) {
            return Err(Errno::EEXIST);
        }
        // Those that the number stood for and that are closed are forgotten: there are never many.
        let same_number = (fd, ptr::null())..=(fd, ptr::without_provenance(usize::MAX));
        let is_closed = |held: &Held| held.item.description.strong_count() == 0;
        let closed: Vec<_> =
            items.range(same_number).filter(|(_, held)| is_closed(held)).map(|(key, _)| *key).collect();
        closed.iter().for_each(|key| drop(items.remove(key)));
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
        items.insert(key, Held { item, told });
        Ok(())
    }

    /// Notes that epolls stand so deep in this one, and in those around it as much deeper; `ELOOP` where that is too deep, as
    /// it always is where one would stand in itself.
    fn deepen(&self, depth: u32) -> Result<(), Errno> {
        if depth <= self.depth.get() {
            return Ok(());
        }
        if depth > DEEPEST {
            return Err(Errno::ELOOP);
        }
        let outer: Vec<_> = self.outer.borrow().iter().filter_map(Weak::upgrade).collect();
        outer.iter().try_for_each(|outer| as_epoll(&**outer)?.deepen(depth + 1))?;
        self.depth.set(depth);
        Ok(())
    }

    /// Adds another epoll to this one, which is `file`.
    fn add_epoll(
        &self,
        file: &Rc<dyn OpenFile>,
        fd: i32,
        description: &Rc<Description>,
        event: epoll_event,
    ) -> Result<(), Errno> {
        let inner = as_epoll(&*description.file)?;
        inner.outer.borrow_mut().push(Rc::downgrade(file));
        let deepened = self.deepen(inner.depth.get() + 1);
        deepened.and_then(|()| self.add(fd, description, event)).inspect_err(|_| inner.leaves(file))
    }

    /// It is watched by `outer` no more.
    fn leaves(&self, outer: &Rc<dyn OpenFile>) {
        let mut all = self.outer.borrow_mut();
        if let Some(index) = all.iter().position(|one| one.ptr_eq(&Rc::downgrade(outer))) {
            all.swap_remove(index);
        }
        all.retain(|one| one.strong_count() > 0);
    }

    /// Sees how deep others stand in it, after one was taken away.
    fn sound(&self) {
        let items = self.items.borrow();
        let left = items.values().filter_map(|held| held.item.description.upgrade());
        let depths = left.filter_map(|one| as_epoll(&*one.file).ok().map(|inner| inner.depth.get() + 1));
        self.depth.set(depths.max().unwrap_or(0));
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
        items.remove(&(fd, Rc::as_ptr(description)));
        Ok(())
    }

    fn held<'a>(
        items: &'a BTreeMap<Key, Held>,
        fd: i32,
        description: &Rc<Description>,
    ) -> Result<&'a Held, Errno> {
        items.get(&(fd, Rc::as_ptr(description))).ok_or(Errno::ENOENT)
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
        let description = Rc::clone(&self.descriptors.borrow().get_open(fd)?.description);
        let epoll = as_epoll(&*epoll_file)?;
        if Rc::ptr_eq(&epoll_file, &description.file) {
            return Err(Errno::EINVAL);
        }
        let inner = as_epoll(&*description.file).ok();
        match operation {
            EPOLL_CTL_ADD => {
                let event = self.load(event)?;
                let is_exclusive = event.events & EPOLLEXCLUSIVE != 0;
                if is_exclusive && (inner.is_some() || event.events & !EXCLUSIVE != 0) {
                    return Err(Errno::EINVAL);
                }
                match inner {
                    Some(_) => epoll.add_epoll(&epoll_file, fd.0, &description, event),
                    None => epoll.add(fd.0, &description, event),
                }
            }
            EPOLL_CTL_MOD => epoll.change(fd.0, &description, self.load(event)?),
            EPOLL_CTL_DEL => {
                epoll.remove(fd.0, &description)?;
                if let Some(inner) = inner {
                    inner.leaves(&epoll_file);
                    epoll.sound();
                }
                Ok(())
            }
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
