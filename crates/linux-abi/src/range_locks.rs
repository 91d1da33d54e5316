//! Locks of ranges of bytes (fcntl(2)): those of the process, and those of open file descriptions. Locks of one owner do not keep
//! it from others.

use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::ops::Range;

use linux_raw_sys::general::{
    F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_RDLCK, F_SETLKW, F_UNLCK, F_WRLCK, O_ACCMODE, O_RDONLY,
    O_WRONLY, SEEK_CUR, SEEK_END, SEEK_SET, flock,
};
use open_file::{Errno, Seek};

use crate::areas::Areas;
use crate::descriptors::{Description, Descriptor, Entry};
use crate::identity::PROCESS;
use crate::linux::{Linux, World};
use crate::user::{User, plain};

plain!(flock);

/// Behind the last byte that a file can have.
const END: usize = 1 << 63;

/// Whose a lock is.
#[derive(Clone)]
enum Owner {
    Process,
    /// Gone with its open file description.
    Description(Weak<Description>),
}

impl Owner {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Process, Self::Process) => true,
            (Self::Description(one), Self::Description(other)) => one.ptr_eq(other),
            _ => false,
        }
    }

    fn is_gone(&self) -> bool {
        matches!(self, Self::Description(description) if description.strong_count() == 0)
    }
}

/// What an owner has locked of a file.
struct Locked {
    /// Device and number of the file.
    file: (u64, u64),
    owner: Owner,
    /// Whether it is for itself alone.
    ranges: Areas<bool>,
}

/// A lock that a program asks for or about.
struct Asked {
    file: (u64, u64),
    owner: Owner,
    range: Range<usize>,
    kind: u32,
}

/// The locks of ranges.
#[derive(Default)]
pub(crate) struct RangeLocks(Vec<Locked>);

impl RangeLocks {
    /// The first of the ranges by which another keeps the owner from what it asks for, and whether the process has it.
    fn conflict(&self, asked: &Asked) -> Option<(Range<usize>, bool, bool)> {
        let others = self.0.iter().filter(|locked| {
            locked.file == asked.file && !locked.owner.is(&asked.owner) && !locked.owner.is_gone()
        });
        let found = others.flat_map(|locked| {
            let is_process = matches!(locked.owner, Owner::Process);
            let touched = locked.ranges.within(asked.range.clone());
            touched.into_iter().map(move |(piece, is_exclusive)| {
                (locked.ranges.whole(piece.start).unwrap_or(piece), is_exclusive, is_process)
            })
        });
        found
            .filter(|(_, is_exclusive, _)| *is_exclusive || asked.kind == F_WRLCK)
            .min_by_key(|(range, ..)| range.start)
    }

    fn set(&mut self, asked: Asked) {
        self.0.retain(|locked| !locked.owner.is_gone());
        let place =
            self.0.iter().position(|locked| locked.file == asked.file && locked.owner.is(&asked.owner));
        let place = place.unwrap_or_else(|| {
            self.0.push(Locked { file: asked.file, owner: asked.owner, ranges: Areas::new() });
            self.0.len() - 1
        });
        match asked.kind {
            F_UNLCK => self.0[place].ranges.clear(asked.range),
            kind => self.0[place].ranges.set(asked.range, kind == F_WRLCK),
        }
        if self.0[place].ranges.is_empty() {
            self.0.swap_remove(place);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes away what the process has of a file: it has closed one of its descriptors of that.
    fn give_up(&mut self, file: (u64, u64)) {
        self.0.retain(|locked| locked.file != file || !matches!(locked.owner, Owner::Process));
    }
}

impl<W: World> Linux<W> {
    /// Takes a lock of a range, or gives one back (`F_SETLK`, `F_OFD_SETLK` and those that wait).
    pub fn lock_range(&self, fd: Descriptor, command: u32, from: User<flock>) -> Result<usize, Errno> {
        let (_, flags) = self.file_and_flags(fd)?;
        let asked = self.asked_lock(fd, command, &self.load(from)?)?;
        let refused = match asked.kind {
            F_RDLCK => flags & O_ACCMODE == O_WRONLY,
            F_WRLCK => flags & O_ACCMODE == O_RDONLY,
            _ => false,
        };
        if refused {
            return Err(Errno::EBADF);
        }
        let is_free =
            |asked: &Asked| asked.kind == F_UNLCK || self.locks.borrow().ranges.conflict(asked).is_none();
        if matches!(command, F_SETLKW | F_OFD_SETLKW) {
            self.wait_for_lock(|_| is_free(&asked))?;
        } else if !is_free(&asked) {
            return Err(Errno::EAGAIN);
        }
        self.locks.borrow_mut().ranges.set(asked);
        self.locks_changed();
        Ok(0)
    }

    /// What keeps the owner from a lock of a range (`F_GETLK`, `F_OFD_GETLK`).
    pub fn lock_of_range(&self, fd: Descriptor, command: u32, of: User<flock>) -> Result<usize, Errno> {
        let mut told = self.load(of)?;
        let asked = self.asked_lock(fd, command, &told)?;
        if asked.kind == F_UNLCK {
            return Err(Errno::EINVAL);
        }
        match self.locks.borrow().ranges.conflict(&asked) {
            None => told.l_type = F_UNLCK as i16,
            Some((range, is_exclusive, is_process)) => {
                told.l_type = if is_exclusive { F_WRLCK } else { F_RDLCK } as i16;
                told.l_whence = SEEK_SET as i16;
                told.l_start = range.start as i64;
                told.l_len = if range.end == END { 0 } else { range.len() as i64 };
                told.l_pid = if is_process { PROCESS as i32 } else { -1 };
            }
        }
        self.store(of, told).map(|()| 0)
    }

    fn asked_lock(&self, fd: Descriptor, command: u32, lock: &flock) -> Result<Asked, Errno> {
        let description = Rc::clone(&self.descriptors.borrow().get_open(fd)?.description);
        let kind = lock.l_type as u32;
        let of_description = matches!(command, F_OFD_GETLK | F_OFD_SETLK | F_OFD_SETLKW);
        if !matches!(kind, F_RDLCK | F_WRLCK | F_UNLCK) || (of_description && lock.l_pid != 0) {
            return Err(Errno::EINVAL);
        }
        let status = description.file.status()?;
        let base = match lock.l_whence as u32 {
            SEEK_SET => 0,
            SEEK_CUR => description.file.seek(Seek::Current(0)).unwrap_or(0),
            SEEK_END => status.size,
            _ => return Err(Errno::EINVAL),
        };
        let range = range_of(base as i64, lock.l_start, lock.l_len)?;
        let owner =
            if of_description { Owner::Description(Rc::downgrade(&description)) } else { Owner::Process };
        Ok(Asked { file: (status.device, status.inode), owner, range, kind })
    }

    /// What becomes of locks when a descriptor is closed: those that the process has of the file are gone.
    pub fn give_up_ranges(&self, closed: &Entry) {
        if self.locks.borrow().ranges.is_empty() {
            return;
        }
        if let Ok(status) = closed.file().status() {
            self.locks.borrow_mut().ranges.give_up((status.device, status.inode));
        }
    }
}

/// The bytes that a lock is of: `length` from a place on, or before it; 0 stands for all behind it.
fn range_of(base: i64, start: i64, length: i64) -> Result<Range<usize>, Errno> {
    let start = base.checked_add(start).ok_or(Errno::EOVERFLOW)?;
    let (first, end) = match length {
        0 => (start, None),
        1.. => (start, Some(start.checked_add(length - 1).ok_or(Errno::EOVERFLOW)?)),
        _ => (start.checked_add(length).ok_or(Errno::EINVAL)?, Some(start.saturating_sub(1))),
    };
    let first = usize::try_from(first).map_err(|_| Errno::EINVAL)?;
    Ok(first..end.map_or(END, |last| last as usize + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_may_lie_before_its_place_and_ends_with_the_longest_file() {
        assert_eq!(range_of(10, 5, 3), Ok(15..18));
        assert_eq!(range_of(10, 0, -4), Ok(6..10));
        assert_eq!(range_of(0, 7, 0), Ok(7..END));
        assert_eq!(range_of(0, i64::MAX, 1), Ok(END - 1..END));
    }

    #[test]
    fn a_range_that_no_file_has_is_refused() {
        assert_eq!(range_of(0, -1, 1), Err(Errno::EINVAL));
        assert_eq!(range_of(3, 0, -4), Err(Errno::EINVAL));
        assert_eq!(range_of(1, i64::MAX, 1), Err(Errno::EOVERFLOW));
        assert_eq!(range_of(0, i64::MAX, 2), Err(Errno::EOVERFLOW));
        assert_eq!(range_of(0, i64::MIN, i64::MIN), Err(Errno::EINVAL));
    }
}
