//! File descriptors: small numbers for open files.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;

use linux_raw_sys::general::O_PATH;
use open_file::{Errno, OpenFile};

/// A file descriptor, as a program passes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor(pub i32);

/// More descriptors than this are refused (`RLIMIT_NOFILE`).
pub(crate) const LIMIT: usize = 65_536;

/// What several descriptors share that are made of one another: the open file, and its flags (fcntl(2), `F_SETFL`).
pub(crate) struct Description {
    pub file: Rc<dyn OpenFile>,
    /// `O_ACCMODE`, `O_APPEND`, `O_NONBLOCK` and the like.
    pub flags: Cell<u32>,
}

/// A descriptor's own part.
#[derive(Clone)]
pub(crate) struct Entry {
    pub description: Rc<Description>,
    /// `FD_CLOEXEC`.
    pub close_on_exec: bool,
}

impl Entry {
    /// A first descriptor of `file`.
    pub fn new(file: Rc<dyn OpenFile>, flags: u32, close_on_exec: bool) -> Self {
        Self { description: Rc::new(Description { file, flags: Cell::new(flags) }), close_on_exec }
    }

    pub fn file(&self) -> &Rc<dyn OpenFile> {
        &self.description.file
    }

    /// Whether it holds its file and can do nothing else with it.
    pub fn only_holds(&self) -> bool {
        self.description.flags.get() & O_PATH != 0
    }
}

/// The table of descriptors.
pub(crate) struct Descriptors {
    entries: Vec<Option<Entry>>,
    /// No descriptor below is free.
    lowest: usize,
    /// Numbers from here on are not given.
    limit: usize,
}

impl Default for Descriptors {
    fn default() -> Self {
        Self { entries: Vec::new(), lowest: 0, limit: LIMIT }
    }
}

impl Descriptors {
    /// Gives numbers below `limit` alone from now on (`RLIMIT_NOFILE`); those above that are given stay.
    pub fn limit_to(&mut self, limit: usize) {
        self.limit = limit.min(LIMIT);
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    /// What a descriptor stands for; `EBADF` where it is none.
    pub fn get(&self, descriptor: Descriptor) -> Result<&Entry, Errno> {
        let index = usize::try_from(descriptor.0).map_err(|_| Errno::EBADF)?;
        self.entries.get(index).and_then(Option::as_ref).ok_or(Errno::EBADF)
    }

    /// As [`get`](Descriptors::get), of one that does more than to hold its file (open(2), `O_PATH`); else `EBADF`.
    pub fn get_open(&self, descriptor: Descriptor) -> Result<&Entry, Errno> {
        self.get(descriptor).and_then(|entry| if entry.only_holds() { Err(Errno::EBADF) } else { Ok(entry) })
    }

    /// As [`get`](Descriptors::get), to be changed.
    pub fn get_mut(&mut self, descriptor: Descriptor) -> Result<&mut Entry, Errno> {
        let index = usize::try_from(descriptor.0).map_err(|_| Errno::EBADF)?;
        self.entries.get_mut(index).and_then(Option::as_mut).ok_or(Errno::EBADF)
    }

    /// Gives `entry` the lowest free number; `EMFILE` where there is none.
    pub fn add(&mut self, entry: Entry) -> Result<Descriptor, Errno> {
        let added = self.add_from(self.lowest, entry)?;
        self.lowest = added.0 as usize + 1;
        Ok(added)
    }

    /// Whether there is a number to give.
    pub fn has_room(&self) -> bool {
        self.free_from(self.lowest) < self.limit
    }

    /// The lowest number from `least` on that is free.
    fn free_from(&self, least: usize) -> usize {
        least.saturating_add(self.entries.iter().skip(least).take_while(|entry| entry.is_some()).count())
    }

    /// Gives `entry` the lowest free number that is `least` or more (fcntl(2), `F_DUPFD`).
    pub fn add_from(&mut self, least: usize, entry: Entry) -> Result<Descriptor, Errno> {
        let index = self.free_from(least);
        self.put(index, entry)?;
        Ok(Descriptor(index as i32))
    }

    /// Gives `entry` this number, and returns what had it (dup2(2)).
    pub fn replace(&mut self, descriptor: Descriptor, entry: Entry) -> Result<Option<Entry>, Errno> {
        let index = usize::try_from(descriptor.0).map_err(|_| Errno::EBADF)?;
        if index >= self.limit {
            return Err(Errno::EBADF);
        }
        self.put(index, entry)
    }

    /// Takes a descriptor away. The file closes with its last one, outside the borrow of this table.
    pub fn remove(&mut self, descriptor: Descriptor) -> Result<Entry, Errno> {
        let index = usize::try_from(descriptor.0).map_err(|_| Errno::EBADF)?;
        let removed = self.entries.get_mut(index).and_then(Option::take).ok_or(Errno::EBADF)?;
        self.lowest = self.lowest.min(index);
        Ok(removed)
    }

    /// The descriptors there are in a range of numbers.
    pub fn within(&self, first: usize, last: usize) -> Vec<Descriptor> {
        let entries = self.entries.iter().enumerate().skip(first);
        entries
            .take_while(|(index, _)| *index <= last)
            .filter(|(_, entry)| entry.is_some())
            .map(|(index, _)| Descriptor(index as i32))
            .collect()
    }

    fn put(&mut self, index: usize, entry: Entry) -> Result<Option<Entry>, Errno> {
        if index >= self.limit {
            return Err(Errno::EMFILE);
        }
        if index >= self.entries.len() {
            self.entries.try_reserve(index + 1 - self.entries.len()).map_err(|_| Errno::ENOMEM)?;
            self.entries.resize_with(index + 1, || None);
        }
        Ok(self.entries[index].replace(entry))
    }
}

#[cfg(test)]
mod tests {
    use open_file::Status;

    use super::*;

    struct Nothing;

    impl OpenFile for Nothing {
        fn status(&self) -> Result<Status, Errno> {
            Err(Errno::EIO)
        }
    }

    fn entry() -> Entry {
        Entry::new(Rc::new(Nothing), 0, false)
    }

    #[test]
    fn the_lowest_free_number_is_given() {
        let mut table = Descriptors::default();
        let numbers: Vec<_> = (0..4).map(|_| table.add(entry()).unwrap().0).collect();
        assert_eq!(numbers, [0, 1, 2, 3]);
        table.remove(Descriptor(1)).unwrap();
        table.remove(Descriptor(2)).unwrap();
        assert_eq!(table.add_from(2, entry()), Ok(Descriptor(2)));
        assert_eq!(table.add(entry()), Ok(Descriptor(1)));
        assert_eq!(table.add(entry()), Ok(Descriptor(4)));
        assert_eq!(table.within(1, 3), [Descriptor(1), Descriptor(2), Descriptor(3)]);
    }

    #[test]
    fn what_is_no_descriptor_is_refused() {
        let mut table = Descriptors::default();
        for bad in [-1, 0, 7, i32::MAX, i32::MIN] {
            assert!(matches!(table.remove(Descriptor(bad)), Err(Errno::EBADF)), "{bad}");
            assert!(matches!(table.get(Descriptor(bad)), Err(Errno::EBADF)), "{bad}");
        }
        assert!(matches!(table.replace(Descriptor(LIMIT as i32), entry()), Err(Errno::EBADF)));
        assert_eq!(table.add_from(LIMIT, entry()), Err(Errno::EMFILE));
        assert_eq!(table.add_from(usize::MAX, entry()), Err(Errno::EMFILE));
    }

    #[test]
    fn a_full_table_is_told() {
        let mut table = Descriptors::default();
        for _ in 0..LIMIT {
            table.add(entry()).unwrap();
        }
        assert_eq!(table.add(entry()), Err(Errno::EMFILE));
        table.remove(Descriptor(9)).unwrap();
        assert_eq!(table.add(entry()), Ok(Descriptor(9)));
    }
}
