//! Byte ranges (RFC 9110, section 14.1.2).

use core::ops::Range;

/// What a `Range` field asks of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All of it: the field is malformed, of another unit, or names several ranges, and is ignored.
    Whole,
    /// These bytes, at least one.
    Part(Range<u64>),
    /// Bytes that the file does not have.
    Outside,
}

/// Reads the field for a file of `size` bytes.
pub fn parse(field: &[u8], size: u64) -> Asked {
    part(field, size).unwrap_or(Asked::Whole)
}

fn part(field: &[u8], size: u64) -> Option<Asked> {
    let field = core::str::from_utf8(field).ok()?;
    let (first, last) = field.strip_prefix("bytes=")?.trim().split_once('-')?;
    let range = match (first, last) {
        ("", suffix) => size.saturating_sub(number(suffix)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..size.min(last.saturating_add(1))
        }
    };
    Some(if range.is_empty() { Asked::Outside } else { Asked::Part(range) })
}

/// Digits alone: `parse` of the standard library takes a sign, too.
fn number(digits: &str) -> Option<u64> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Asked, parse};

    #[test]
    fn one_range() {
        assert_eq!(parse(b"bytes=0-0", 10), Asked::Part(0..1));
        assert_eq!(parse(b"bytes=2-5", 10), Asked::Part(2..6));
        assert_eq!(parse(b"bytes=7-", 10), Asked::Part(7..10));
        assert_eq!(parse(b"bytes=7-99", 10), Asked::Part(7..10));
        assert_eq!(parse(b"bytes=-3", 10), Asked::Part(7..10));
        assert_eq!(parse(b"bytes=-99", 10), Asked::Part(0..10));
        assert_eq!(parse(b"bytes=0-18446744073709551615", 10), Asked::Part(0..10));
    }

    #[test]
    fn outside() {
        for field in ["bytes=10-", "bytes=10-11", "bytes=-0"] {
            assert_eq!(parse(field.as_bytes(), 10), Asked::Outside, "{field}");
        }
        assert_eq!(parse(b"bytes=0-", 0), Asked::Outside);
    }

    #[test]
    fn ignored() {
        for field in
            ["", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,3-4", "lines=0-1", "bytes=+1-2"]
        {
            assert_eq!(parse(field.as_bytes(), 10), Asked::Whole, "{field}");
        }
    }

    proptest! {
        #[test]
        fn never_outside_the_file(field in "bytes=[0-9]{0,20}-[0-9]{0,20}", size in 0_u64..1000) {
            if let Asked::Part(range) = parse(field.as_bytes(), size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }
    }
}
