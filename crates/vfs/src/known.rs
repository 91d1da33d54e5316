//! Which places are in use, and what they are called.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, btree_map::Entry};
use core::cell::RefCell;

use iface_vfs::Place;

/// What is known of a directory that was walked through, or of an open file of a volume that can change.
#[derive(Debug)]
struct Item {
    parent: Place,
    name: Box<[u8]>,
    /// How often it is open.
    held: u32,
    /// That name is gone; it is forgotten when it is open no longer.
    removed: bool,
}

impl Item {
    fn is_called(&self, (parent, name): (Place, &[u8])) -> bool {
        self.parent == parent && *self.name == *name && !self.removed
    }
}

/// Places by number. Directories stay known: relative paths go up by them.
#[derive(Debug, Default)]
pub(crate) struct Known(RefCell<BTreeMap<Place, Item>>);

impl Known {
    /// Notes what a place is called. What is known already has that name: names change by [`moved`](Known::moved) alone.
    pub fn add(&self, place: Place, parent: Place, name: &[u8]) {
        if let Entry::Vacant(entry) = self.0.borrow_mut().entry(place) {
            entry.insert(Item { parent, name: name.into(), held: 0, removed: false });
        }
    }

    /// Notes that the name `from` of a place, if it is known by that, is `to` now.
    pub fn moved(&self, place: Place, from: (Place, &[u8]), to: (Place, &[u8])) {
        let mut known = self.0.borrow_mut();
        if let Some(item) = known.get_mut(&place).filter(|item| item.is_called(from)) {
            item.parent = to.0;
            item.name = to.1.into();
        }
    }

    /// Has a place stay until it is released as often. Returns whether it is known.
    pub fn hold(&self, place: Place) -> bool {
        let mut known = self.0.borrow_mut();
        let item = known.get_mut(&place);
        item.map(|item| item.held += 1).is_some()
    }

    /// Releases a place. Returns whether it was removed and nobody holds it any more.
    pub fn release(&self, place: Place, is_directory: bool) -> bool {
        let mut known = self.0.borrow_mut();
        let Entry::Occupied(mut entry) = known.entry(place) else { return false };
        entry.get_mut().held -= 1;
        let Item { held, removed, .. } = *entry.get();
        if held == 0 && (removed || !is_directory) {
            entry.remove();
        }
        held == 0 && removed
    }

    /// Notes that a place has lost a name. Returns whether nobody holds it.
    pub fn removed(&self, place: Place, name: (Place, &[u8])) -> bool {
        let mut known = self.0.borrow_mut();
        let Entry::Occupied(mut entry) = known.entry(place) else { return true };
        if entry.get().held == 0 {
            entry.remove();
            return true;
        }
        // It may have others, by one of which it is known.
        entry.get_mut().removed |= entry.get().is_called(name);
        false
    }

    pub fn is_removed(&self, place: Place) -> bool {
        self.0.borrow().get(&place).is_some_and(|item| item.removed)
    }

    /// Where a place has its name, or had it.
    pub fn parent(&self, place: Place) -> Option<Place> {
        self.0.borrow().get(&place).map(|item| item.parent)
    }

    /// Calls `with` with the name of a place, the directory it is in, and whether it is removed.
    pub fn with<T>(&self, place: Place, with: impl FnOnce(Place, &[u8], bool) -> T) -> Option<T> {
        self.0.borrow().get(&place).map(|item| with(item.parent, &item.name, item.removed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: Place = Place { mount: 0, node: 0 };

    #[test]
    fn nothing_is_known_of_what_is_gone() {
        let (known, place) = (Known::default(), Place { mount: 0, node: 1 });
        for is_directory in [true, false] {
            known.add(place, TOP, b"a");
            assert!(known.hold(place) && known.hold(place));
            assert!(!known.removed(place, (TOP, b"a")));
            assert!(known.is_removed(place));
            assert!(!known.release(place, is_directory));
            assert!(known.release(place, is_directory));
            assert!(known.0.borrow().is_empty());
        }
    }

    #[test]
    fn another_name_does_not_count() {
        let (known, place) = (Known::default(), Place { mount: 0, node: 1 });
        let names = || known.with(place, |_, name, removed| (name.to_vec(), removed));
        known.add(place, TOP, b"a");
        known.hold(place);
        assert!(!known.removed(place, (TOP, b"b")));
        known.moved(place, (TOP, b"b"), (TOP, b"c"));
        assert_eq!(names(), Some((b"a".into(), false)));
        known.moved(place, (TOP, b"a"), (TOP, b"d"));
        known.removed(place, (TOP, b"d"));
        assert_eq!(names(), Some((b"d".into(), true)));
    }
}
