//! The head of an answer (RFC 9110, RFC 9112).

use alloc::vec::Vec;
use core::ops::Range;

use crate::{date, text};

/// The statuses that this server gives (RFC 9110, section 15; 431: RFC 6585).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ok = 200,
    PartialContent = 206,
    MovedPermanently = 301,
    NotModified = 304,
    BadRequest = 400,
    NotFound = 404,
    MethodNotAllowed = 405,
    RangeNotSatisfiable = 416,
    HeadTooLarge = 431,
    VersionNotSupported = 505,
}

impl Status {
    /// The status in words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::PartialContent => "Partial Content",
            Self::MovedPermanently => "Moved Permanently",
            Self::NotModified => "Not Modified",
            Self::BadRequest => "Bad Request",
            Self::NotFound => "Not Found",
            Self::MethodNotAllowed => "Method Not Allowed",
            Self::RangeNotSatisfiable => "Range Not Satisfiable",
            Self::HeadTooLarge => "Request Header Fields Too Large",
            Self::VersionNotSupported => "HTTP Version Not Supported",
        }
    }

    /// The number.
    pub const fn code(self) -> u16 {
        self as u16
    }
}

/// What tells one state of a file from another: its length and its time of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Length in bytes.
    pub size: u64,
    /// Time of change, in seconds since 1970-01-01 00:00 UTC.
    pub modified: u64,
}

impl Version {
    /// Appends the entity tag, with its quotes.
    fn write_tag(self, out: &mut Vec<u8>) {
        out.push(b'"');
        text::hexadecimal(out, self.modified);
        out.push(b'-');
        text::hexadecimal(out, self.size);
        out.push(b'"');
    }
}

/// What an answer says before its body.
#[derive(Clone, Debug)]
pub struct Head<'a> {
    /// How it went.
    pub status: Status,
    /// Whether the connection goes on after it.
    pub persistent: bool,
    /// Now, in seconds since 1970-01-01 00:00 UTC, where it is known.
    pub date: Option<u64>,
    /// Length of the body in bytes; `None` where the status never has one.
    pub length: Option<u64>,
    /// Media type of the body.
    pub media_type: &'static str,
    /// The state of the file that is spoken of.
    pub version: Option<Version>,
    /// The bytes of the file that the body is.
    pub part: Option<Range<u64>>,
    /// Where else to look.
    pub location: Option<&'a [u8]>,
}

impl<'a> Head<'a> {
    /// A head that says no more than `status`.
    pub const fn new(status: Status, persistent: bool, date: Option<u64>) -> Self {
        Self {
            status,
            persistent,
            date,
            length: None,
            media_type: "text/plain; charset=utf-8",
            version: None,
            part: None,
            location: None,
        }
    }

    /// Appends the head to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"HTTP/1.1 ");
        text::decimal(out, u64::from(self.status.code()));
        out.push(b' ');
        out.extend_from_slice(self.status.reason().as_bytes());
        if let Some(now) = self.date {
            out.extend_from_slice(b"\r\nDate: ");
            date::write(out, now);
        }
        if let Some(length) = self.length {
            out.extend_from_slice(b"\r\nContent-Type: ");
            out.extend_from_slice(self.media_type.as_bytes());
            out.extend_from_slice(b"\r\nContent-Length: ");
            text::decimal(out, length);
        }
        if let Some(version) = self.version {
            self.write_version(version, out);
        }
        if self.status == Status::MethodNotAllowed {
            out.extend_from_slice(b"\r\nAllow: GET, HEAD");
        }
        if let Some(location) = self.location {
            out.extend_from_slice(b"\r\nLocation: ");
            escape(location, out);
        }
        let end: &[u8] = match self.persistent {
            true => b"\r\nConnection: keep-alive\r\n\r\n",
            false => b"\r\nConnection: close\r\n\r\n",
        };
        out.extend_from_slice(end);
    }

    fn write_version(&self, version: Version, out: &mut Vec<u8>) {
        if self.status == Status::RangeNotSatisfiable {
            out.extend_from_slice(b"\r\nContent-Range: bytes */");
            text::decimal(out, version.size);
            return;
        }
        out.extend_from_slice(b"\r\nLast-Modified: ");
        date::write(out, version.modified);
        out.extend_from_slice(b"\r\nETag: ");
        version.write_tag(out);
        out.extend_from_slice(b"\r\nAccept-Ranges: bytes");
        if let Some(part) = &self.part {
            out.extend_from_slice(b"\r\nContent-Range: bytes ");
            text::decimal(out, part.start);
            out.push(b'-');
            text::decimal(out, part.end - 1);
            out.push(b'/');
            text::decimal(out, version.size);
        }
    }
}

/// Appends a path as a part of an address: what is not plain in one is escaped, line ends above all.
fn escape(path: &[u8], out: &mut Vec<u8>) {
    for byte in path {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => out.push(*byte),
            _ => {
                out.push(b'%');
                out.extend([byte >> 4, byte & 15].map(|digit| b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{string::String, vec::Vec};

    use super::{Head, Status, Version};

    fn text(head: &Head<'_>) -> String {
        let mut out = Vec::new();
        head.write(&mut out);
        String::from_utf8(out).expect("a head is text")
    }

    #[test]
    fn a_part_of_a_file() {
        let head = Head {
            length: Some(2),
            media_type: "image/png",
            version: Some(Version { size: 10, modified: 784_111_777 }),
            part: Some(3..5),
            ..Head::new(Status::PartialContent, true, Some(0))
        };
        assert_eq!(
            text(&head),
            "HTTP/1.1 206 Partial Content\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: image/png\r\n\
             Content-Length: 2\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: \"2ebc98a1-a\"\r\n\
             Accept-Ranges: bytes\r\nContent-Range: bytes 3-4/10\r\nConnection: keep-alive\r\n\r\n"
        );
    }

    #[test]
    fn a_location_can_not_add_fields() {
        let head =
            Head { location: Some(b"/a\r\nX: y/"), ..Head::new(Status::MovedPermanently, false, None) };
        assert!(text(&head).contains("Location: /a%0D%0AX%3A%20y/\r\n"));
    }
}
