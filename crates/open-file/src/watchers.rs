use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;

use crate::Readiness;

/// Somebody who waits for a file: a thread in `poll`, an item of an `epoll`.
pub trait Watcher {
    /// The file may be ready for `what` now. It is called from where that became so, and only notes it or wakes a thread.
    fn notified(&self, what: Readiness);
}

/// Who waits for a file. A watcher is told until it is dropped; it costs nothing to who does not wait.
#[derive(Default)]
pub struct Watchers(RefCell<Vec<Weak<dyn Watcher>>>);

impl Watchers {
    /// Nobody.
    pub const fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    /// Tells `watcher` from now on, for as long as somebody holds it.
    pub fn add(&self, watcher: &Rc<dyn Watcher>) {
        let mut watchers = self.0.borrow_mut();
        // Dropped ones go when the list would grow: its length stays below twice that of those who wait.
        if watchers.len() == watchers.capacity() {
            watchers.retain(|one| one.strong_count() > 0);
        }
        watchers.push(Rc::downgrade(watcher));
    }

    /// Tells no more.
    pub fn remove(&self, watcher: &Rc<dyn Watcher>) {
        let gone = Rc::downgrade(watcher);
        self.0.borrow_mut().retain(|one| !one.ptr_eq(&gone));
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        !self.0.borrow().iter().any(|one| one.strong_count() > 0)
    }

    /// The file may be ready for `what` now. A watcher that is told may add and remove others.
    pub fn notify(&self, what: Readiness) {
        let mut index = 0;
        loop {
            let next = self.0.borrow().get(index).map(Weak::upgrade);
            match next {
                None => return,
                Some(Some(watcher)) => watcher.notified(what),
                Some(None) => {}
            }
            index += 1;
        }
    }
}

impl fmt::Debug for Watchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} watchers", self.0.borrow().len())
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;

    #[derive(Default)]
    struct Counter(Cell<u32>);

    impl Watcher for Counter {
        fn notified(&self, _: Readiness) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[test]
    fn a_watcher_is_told_while_it_lives_and_is_not_removed() {
        let watchers = Watchers::new();
        let (one, two) = (Rc::new(Counter::default()), Rc::new(Counter::default()));
        let (as_one, as_two): (Rc<dyn Watcher>, Rc<dyn Watcher>) = (one.clone(), two.clone());
        watchers.add(&as_one);
        watchers.add(&as_two);
        watchers.notify(Readiness::IN);
        watchers.remove(&as_one);
        watchers.notify(Readiness::IN);
        drop((two.clone(), as_two));
        assert_eq!((one.0.get(), two.0.get()), (1, 2));
    }

    #[test]
    fn the_list_does_not_grow_with_those_who_left() {
        let watchers = Watchers::new();
        for _ in 0..10_000 {
            watchers.add(&(Rc::new(Counter::default()) as Rc<dyn Watcher>));
        }
        assert!(watchers.0.borrow().len() < 8);
    }
}
