//! Calls that date a file.

use iface_vfs::{Place, Vfs};
use linux_raw_sys::general::{
    __kernel_timespec as Timespec, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, CLOCK_REALTIME, UTIME_NOW, UTIME_OMIT,
    timeval,
};
use open_file::Errno;

use crate::descriptors::Descriptor;
use crate::linux::{Linux, World};
use crate::paths::HERE;
use crate::user::User;

const NANOSECONDS: i64 = 1_000_000_000;

impl<W: World> Linux<W> {
    /// Dates by seconds (utime(2)): of the last access, which is not kept, and of the last change.
    pub fn set_dates_in_seconds(&self, path: User<u8>, dates: User<[i64; 2]>) -> Result<(), Errno> {
        let at = |tv_sec| Timespec { tv_sec, tv_nsec: 0 };
        let dates = self.load_if_given(dates)?.map(|dates| dates.map(at));
        self.date_path(HERE, path, dates, 0)
    }

    pub fn set_dates(&self, path: User<u8>, dates: User<[timeval; 2]>) -> Result<(), Errno> {
        self.set_dates_in_directory(HERE, path, dates)
    }

    pub fn set_dates_in_directory(
        &self,
        base: Descriptor,
        path: User<u8>,
        dates: User<[timeval; 2]>,
    ) -> Result<(), Errno> {
        let dates = match self.load_if_given(dates)? {
            None => None,
            Some(dates) if dates.iter().any(|date| !(0..1_000_000).contains(&date.tv_usec)) => {
                return Err(Errno::EINVAL);
            }
            Some(dates) => {
                Some(dates.map(|date| Timespec { tv_sec: date.tv_sec, tv_nsec: date.tv_usec * 1000 }))
            }
        };
        self.date_path(base, path, dates, 0)
    }

    pub fn set_dates_at(
        &self,
        base: Descriptor,
        path: User<u8>,
        dates: User<[Timespec; 2]>,
        flags: u32,
    ) -> Result<(), Errno> {
        let dates = self.load_if_given(dates)?;
        if path.is_null() {
            // The descriptor itself (futimens(3)).
            return match flags {
                _ if base == HERE => Err(Errno::EFAULT),
                0 => self.date(|| self.place_of_descriptor(base), dates),
                _ => Err(Errno::EINVAL),
            };
        }
        self.date_path(base, path, dates, flags)
    }

    fn load_if_given<T: crate::user::Plain>(&self, from: User<T>) -> Result<Option<T>, Errno> {
        if from.is_null() { Ok(None) } else { self.load(from).map(Some) }
    }

    fn date_path(
        &self,
        base: Descriptor,
        path: User<u8>,
        dates: Option<[Timespec; 2]>,
        flags: u32,
    ) -> Result<(), Errno> {
        if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
            return Err(Errno::EINVAL);
        }
        self.date(|| self.find_by_flags(base, path, flags), dates)
    }

    /// Dates what `find` finds: now, where there are no dates.
    fn date(
        &self,
        find: impl FnOnce() -> Result<Place, Errno>,
        dates: Option<[Timespec; 2]>,
    ) -> Result<(), Errno> {
        const NOW: i64 = UTIME_NOW as i64;
        const OMIT: i64 = UTIME_OMIT as i64;
        let [accessed, changed] = dates.unwrap_or([Timespec { tv_sec: 0, tv_nsec: NOW }; 2]);
        let is_good = |date: Timespec| matches!(date.tv_nsec, NOW | OMIT | 0..NANOSECONDS);
        if !is_good(accessed) || !is_good(changed) {
            return Err(Errno::EINVAL);
        }
        if accessed.tv_nsec == OMIT && changed.tv_nsec == OMIT {
            return Ok(());
        }
        let place = find()?;
        match changed.tv_nsec {
            OMIT => Ok(()),
            NOW => self.vfs.set_modified(place, self.clock(CLOCK_REALTIME)?.as_nanos() as u64),
            // What is before 1970 is dated 1970, as file systems without such dates have it.
            nanoseconds => {
                let seconds = u64::try_from(changed.tv_sec).unwrap_or(0);
                let date = seconds.saturating_mul(NANOSECONDS as u64).saturating_add(nanoseconds as u64);
                self.vfs.set_modified(place, date)
            }
        }
    }
}
