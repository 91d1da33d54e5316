//! Waiting for any of several files: `poll` and `select`.

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::mem::offset_of;

use iface_clock::{Clock, Duration, Instant};
use linux_raw_sys::general::{__kernel_timespec as Timespec, POLLNVAL, pollfd, timeval};
use open_file::{Errno, OpenFile, Readiness};

use crate::descriptors::Descriptor;
use crate::linux::{Linux, World};
use crate::time::{duration, timespec};
use crate::user::{User, plain};

/// Descriptors in one word of a set of `select`.
const WORD_BITS: usize = 64;
/// The most descriptors of a set (`FD_SETSIZE`).
const SET_SIZE: usize = 1024;

plain!(pollfd);

/// A file, and what it is waited for.
pub(crate) struct Watched {
    pub file: Rc<dyn OpenFile>,
    pub interest: Readiness,
}

impl Watched {
    fn ready(&self) -> Readiness {
        self.file.readiness().of_interest(self.interest)
    }
}

impl<W: World> Linux<W> {
    /// What each of the files is ready for: at once where any is, else as soon as one is, at the latest at `deadline`.
    ///
    /// # Errors
    /// As [`wait_for_any`](Linux::wait_for_any) says.
    fn any_ready(&self, watched: &[Watched], deadline: Option<Instant>) -> Result<Vec<Readiness>, Errno> {
        let lists = || watched.iter().filter_map(|one| one.file.watchers());
        let found = self.wait_for_any(lists, deadline, || {
            let ready: Vec<_> = watched.iter().map(Watched::ready).collect();
            ready.iter().any(|one| !one.is_empty()).then_some(ready)
        })?;
        Ok(found.unwrap_or_else(|| vec![Readiness::NONE; watched.len()]))
    }

    pub fn poll(&self, files: User<pollfd>, count: usize, milliseconds: i32) -> Result<usize, Errno> {
        self.poll_until(files, count, self.deadline_in(milliseconds))
    }

    pub fn poll_precisely(
        &self,
        files: User<pollfd>,
        count: usize,
        time: User<Timespec>,
        mask: User<u64>,
        mask_size: usize,
    ) -> Result<usize, Errno> {
        let deadline = self.deadline_of(time)?;
        let polled = self.with_mask(mask, mask_size, || self.poll_until(files, count, deadline));
        self.store_left(time, deadline);
        polled
    }

    /// Says how much is left of a time, as Linux does where a call with one is done. A program whose time cannot be written is
    /// not told.
    fn store_left(&self, time: User<Timespec>, deadline: Option<Instant>) {
        if let Some(deadline) = deadline {
            let _ = self.store(time, timespec(deadline.since(self.clock.now())));
        }
    }

    /// `milliseconds` from now; never where they are below 0.
    pub fn deadline_in(&self, milliseconds: i32) -> Option<Instant> {
        let milliseconds = u64::try_from(milliseconds).ok()?;
        Some(self.clock.now() + Duration::from_millis(milliseconds))
    }

    /// A length of time from now; never without an address of one.
    pub fn deadline_of(&self, time: User<Timespec>) -> Result<Option<Instant>, Errno> {
        if time.is_null() {
            return Ok(None);
        }
        Ok(Some(self.clock.now() + duration(self.load(time)?)?))
    }

    fn poll_until(
        &self,
        files: User<pollfd>,
        count: usize,
        deadline: Option<Instant>,
    ) -> Result<usize, Errno> {
        if count > self.descriptors.borrow().limit() {
            return Err(Errno::EINVAL);
        }
        let mut entries = self.load_all(files, count)?;
        // One below 0 is passed over; one that is not open is told at once.
        let mut watched = Vec::new();
        let mut places = Vec::new();
        let mut unknown = 0;
        for (place, entry) in entries.iter_mut().enumerate() {
            entry.revents = 0;
            match self.file(Descriptor(entry.fd)) {
                Ok(file) => {
                    watched.push(Watched { file, interest: Readiness(u32::from(entry.events as u16)) });
                    places.push(place);
                }
                Err(_) if entry.fd < 0 => {}
                Err(_) => {
                    entry.revents = POLLNVAL as i16;
                    unknown += 1;
                }
            }
        }
        let deadline = if unknown > 0 { Some(self.clock.now()) } else { deadline };
        let ready = self.any_ready(&watched, deadline)?;
        for (place, ready) in places.into_iter().zip(&ready) {
            entries[place].revents = ready.0 as i16;
        }
        for (place, entry) in entries.iter().enumerate() {
            // What a program asks for is its own, and another thread may have changed it meanwhile.
            let answer = files.at(place).address().wrapping_add(offset_of!(pollfd, revents));
            self.store(User::new(answer), entry.revents as u16)?;
        }
        Ok(unknown + ready.iter().filter(|ready| !ready.is_empty()).count())
    }

    pub fn select(
        &self,
        count: i32,
        read: User<u64>,
        write: User<u64>,
        exceptional: User<u64>,
        time: User<timeval>,
    ) -> Result<usize, Errno> {
        let deadline = if time.is_null() {
            None
        } else {
            let time = self.load(time)?;
            let time = Timespec { tv_sec: time.tv_sec, tv_nsec: time.tv_usec.saturating_mul(1000) };
            Some(self.clock.now() + duration(time)?)
        };
        let selected = self.select_until(count, [read, write, exceptional], deadline);
        // Linux tells how much time was left, and programs rely on it. As in `store_left`.
        if let Some(deadline) = deadline {
            let left = deadline.since(self.clock.now());
            let left = timeval { tv_sec: left.as_secs() as i64, tv_usec: left.subsec_micros().into() };
            let _ = self.store(time, left);
        }
        selected
    }

    pub fn select_precisely(
        &self,
        count: i32,
        read: User<u64>,
        write: User<u64>,
        exceptional: User<u64>,
        time: User<Timespec>,
        mask: User<[usize; 2]>,
    ) -> Result<usize, Errno> {
        let deadline = self.deadline_of(time)?;
        // A sixth register is the last: it has the address of the mask's own and of its size.
        let [mask, mask_size] = if mask.is_null() { [0; 2] } else { self.load(mask)? };
        let sets = [read, write, exceptional];
        let selected =
            self.with_mask(User::new(mask), mask_size, || self.select_until(count, sets, deadline));
        self.store_left(time, deadline);
        selected
    }

    fn select_until(
        &self,
        count: i32,
        sets: [User<u64>; 3],
        deadline: Option<Instant>,
    ) -> Result<usize, Errno> {
        /// What each of the three sets asks for, and what answers it (select(2)).
        const ASKED: [Readiness; 3] = [Readiness::IN, Readiness::OUT, Readiness::PRI];
        const ANSWERED: [Readiness; 3] = [
            Readiness(Readiness::IN.0 | Readiness::HUP.0 | Readiness::ERR.0),
            Readiness(Readiness::OUT.0 | Readiness::ERR.0),
            Readiness::PRI,
        ];
        let count = usize::try_from(count).map_err(|_| Errno::EINVAL)?.min(SET_SIZE);
        let words = count.div_ceil(WORD_BITS);
        let mut asked: [Vec<u64>; 3] = Default::default();
        for (set, given) in asked.iter_mut().zip(sets) {
            *set = if given.is_null() { vec![0; words] } else { self.load_all(given, words)? };
        }
        let mut watched = Vec::new();
        let mut descriptors = Vec::new();
        for fd in 0..count {
            let interest = (0..3)
                .filter(|set| has_bit(&asked[*set], fd))
                .fold(Readiness::NONE, |interest, set| interest | ASKED[set]);
            if !interest.is_empty() {
                watched.push(Watched { file: self.file(Descriptor(fd as i32))?, interest });
                descriptors.push(fd);
            }
        }
        let ready = self.any_ready(&watched, deadline)?;
        let mut total = 0;
        for (set, given) in sets.into_iter().enumerate().filter(|(_, given)| !given.is_null()) {
            let mut answer = vec![0; words];
            for (fd, ready) in descriptors.iter().zip(&ready) {
                if has_bit(&asked[set], *fd) && ready.has_any(ANSWERED[set]) {
                    answer[fd / WORD_BITS] |= 1 << (fd % WORD_BITS);
                    total += 1;
                }
            }
            for (index, word) in answer.into_iter().enumerate() {
                self.store(given.at(index), word)?;
            }
        }
        Ok(total)
    }
}

fn has_bit(set: &[u64], bit: usize) -> bool {
    set[bit / WORD_BITS] >> (bit % WORD_BITS) & 1 == 1
}
