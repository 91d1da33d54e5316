//! Dates: seconds since 1970 and those of FAT, which are even, from 1980 to 2107, and taken for UTC.

use hadris_fat_raw::date;
use hadris_fs::DateTime;

/// Date and time of FAT for seconds since 1970.
pub(crate) fn to_fat(seconds: u64) -> (u16, u16) {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let (date, time, _) =
        DateTime::from_unix_seconds(seconds).map_or(date::MAX, |time| date::encode(time, None));
    (date, time)
}

/// Seconds since 1970 for date and time of FAT; 0 where they say nothing.
pub(crate) fn from_fat((date, time): (u16, u16)) -> u64 {
    date::decode(date, time, 0, None).map_or(0, |time| u64::try_from(time.unix_seconds()).unwrap_or(0))
}
