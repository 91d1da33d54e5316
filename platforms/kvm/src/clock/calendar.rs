//! The real-time clock (Motorola MC146818A), which keeps the date in decimal digits.

use iface_clock::Duration;
use x86_64::x86::io::{inb, outb};

const INDEX: u16 = 0x70;
const DATA: u16 = 0x71;

const STATUS_A: u8 = 0x0a;
const STATUS_B: u8 = 0x0b;
/// In status A: the registers are about to change.
const UPDATE: u8 = 1 << 7;
/// In status B: hours run to 23, numbers are binary.
const HOURS_24: u8 = 1 << 1;
const BINARY: u8 = 1 << 2;
/// In the hours, where they run to 12.
const AFTERNOON: u8 = 1 << 7;

/// Seconds, minutes, hours, day, month, year of the century, century (as PCs have it).
const REGISTERS: [u8; 7] = [0, 2, 4, 7, 8, 9, 0x32];
/// More readings than any update takes.
const PATIENCE: u32 = 100_000;

/// The time of day since 1970, to the second; `None` where there is no such clock, or what it says is no date.
pub(super) fn read() -> Option<Duration> {
    (0..PATIENCE).find(|_| register(STATUS_A) & UPDATE == 0)?;
    let (first, second) = (REGISTERS.map(register), REGISTERS.map(register));
    // An update between the two readings: the second one is whole then.
    let date = if first == second { first } else { REGISTERS.map(register) };
    seconds(date, register(STATUS_B)).map(Duration::from_secs)
}

fn register(index: u8) -> u8 {
    // SAFETY: the ports are the clock's, which does not touch memory.
    unsafe {
        outb(INDEX, index);
        inb(DATA)
    }
}

fn seconds(date: [u8; 7], status_b: u8) -> Option<u64> {
    let [second, minute, hour, day, month, year, century] = date;
    let number =
        |value: u8| u64::from(if status_b & BINARY != 0 { value } else { (value >> 4) * 10 + (value & 15) });
    let hour = match status_b & HOURS_24 {
        0 => number(hour & !AFTERNOON) % 12 + if hour & AFTERNOON != 0 { 12 } else { 0 },
        _ => number(hour),
    };
    // A machine without the register has something else there.
    let century = Some(number(century)).filter(|century| (19..=21).contains(century)).unwrap_or(20);
    let (year, month, day) = (century * 100 + number(year), number(month), number(day));
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24;
    let days = valid.then(|| days_since_1970(year, month, day))?;
    Some(((days * 24 + hour) * 60 + number(minute)) * 60 + number(second))
}

/// Days from 1970-01-01 in the Gregorian calendar, for years from 1970 on. Years are taken to begin in March, so that a
/// leap day is the last of its year.
const fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    /// From 0000-03-01 to 1970-01-01.
    const BEFORE: u64 = 719_468;
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - BEFORE
}

#[cfg(test)]
mod tests {
    use super::{BINARY, HOURS_24, days_since_1970, seconds};

    #[test]
    fn days_are_counted_over_leap_years() {
        assert_eq!(days_since_1970(1970, 1, 1), 0);
        assert_eq!(days_since_1970(2000, 2, 29), 11_016);
        assert_eq!(days_since_1970(2000, 3, 1), 11_017);
        assert_eq!(days_since_1970(2100, 3, 1), 47_541);
    }

    #[test]
    fn every_way_to_write_a_time_is_read() {
        let expected = Some(951_868_799); // 2000-02-29 23:59:59
        assert_eq!(seconds([0x59, 0x59, 0x23, 0x29, 0x02, 0x00, 0x20], HOURS_24), expected);
        assert_eq!(seconds([59, 59, 23, 29, 2, 0, 20], HOURS_24 | BINARY), expected);
        assert_eq!(seconds([0x59, 0x59, 0x91, 0x29, 0x02, 0x00, 0x20], 0), expected);
        assert_eq!(seconds([0, 0, 0x12, 0x29, 0x02, 0x00, 0x20], 0), Some(951_782_400), "midnight");
    }

    #[test]
    fn no_clock_is_no_date() {
        assert_eq!(seconds([0xff; 7], 0xff), None);
        assert_eq!(seconds([0; 7], 0), None);
    }
}
