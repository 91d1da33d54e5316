//! From a request to an answer.

use alloc::vec::Vec;
use core::ops::Range;

use iface_filesystem::{FileSystem, Kind, Metadata, Node};

use crate::{
    date, media_type, path,
    range::{self, Asked},
    request::{Method, Request},
    response::{Head, Status, Version},
};

/// What follows an answer's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// Bytes that lie in memory.
    Memory(&'static [u8]),
    /// Bytes of a file that are read as they are sent.
    File(Node, Range<u64>),
}

/// An answer's head goes to `out`; the body is returned. `date` is now.
pub fn answer<F: FileSystem>(files: F, request: &Request<'_>, date: Option<u64>, out: &mut Vec<u8>) -> Body {
    let body = match request.method {
        Method::Other => refuse(Status::MethodNotAllowed, request.persistent, date, out),
        Method::Get | Method::Head => match path::decode(request.target) {
            None => refuse(Status::BadRequest, request.persistent, date, out),
            Some(path) => find(files, &path, request, date, out),
        },
    };
    if request.method == Method::Head { Body::Empty } else { body }
}

/// An answer that says in words what is wrong.
pub fn refuse(status: Status, persistent: bool, date: Option<u64>, out: &mut Vec<u8>) -> Body {
    let words = status.reason().as_bytes();
    Head { length: Some(words.len() as u64), ..Head::new(status, persistent, date) }.write(out);
    Body::Memory(words)
}

fn find<F: FileSystem>(
    files: F,
    path: &[u8],
    request: &Request<'_>,
    date: Option<u64>,
    out: &mut Vec<u8>,
) -> Body {
    let refuse = |status, out| refuse(status, request.persistent, date, out);
    let Ok((node, metadata)) = files.lookup(path).and_then(|node| Ok((node, files.metadata(node)?))) else {
        return refuse(Status::NotFound, out);
    };
    match metadata.kind {
        Kind::File => file(files, node, metadata, path, request, date, out),
        Kind::Directory if path.last() == Some(&b'/') => match index(files, node) {
            Some((node, metadata)) => file(files, node, metadata, INDEX, request, date, out),
            None => refuse(Status::NotFound, out),
        },
        Kind::Directory => {
            let location = [path, b"/"].concat();
            let head = Head::new(Status::MovedPermanently, request.persistent, date);
            Head { length: Some(0), location: Some(&location), ..head }.write(out);
            Body::Empty
        }
        Kind::Link => refuse(Status::NotFound, out),
    }
}

const INDEX: &[u8] = b"index.html";

fn index<F: FileSystem>(files: F, directory: Node) -> Option<(Node, Metadata)> {
    let node = files.child(directory, INDEX).ok()?;
    let metadata = files.metadata(node).ok()?;
    (metadata.kind == Kind::File).then_some((node, metadata))
}

fn file<F: FileSystem>(
    files: F,
    node: Node,
    metadata: Metadata,
    name: &[u8],
    request: &Request<'_>,
    date: Option<u64>,
    out: &mut Vec<u8>,
) -> Body {
    let version = Version { size: metadata.size, modified: metadata.modified };
    let head = Head {
        media_type: media_type::of(name),
        version: Some(version),
        ..Head::new(Status::Ok, request.persistent, date)
    };
    if is_unchanged(request, version) {
        Head { status: Status::NotModified, ..head }.write(out);
        return Body::Empty;
    }
    let (head, range) = match asked(request, version) {
        Asked::Whole => (head, 0..version.size),
        Asked::Part(range) => {
            (Head { status: Status::PartialContent, part: Some(range.clone()), ..head }, range)
        }
        Asked::Outside => (Head { status: Status::RangeNotSatisfiable, ..head }, 0..0),
    };
    Head { length: Some(range.end - range.start), ..head }.write(out);
    body(files, node, range)
}

fn body<F: FileSystem>(files: F, node: Node, range: Range<u64>) -> Body {
    let part = |bytes: &'static [u8]| {
        bytes.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
    };
    if range.is_empty() {
        return Body::Empty;
    }
    files.bytes(node).and_then(part).map_or(Body::File(node, range.clone()), Body::Memory)
}

fn asked(request: &Request<'_>, version: Version) -> Asked {
    match request.range {
        // A range is defined for `GET` alone (RFC 9110, section 14.2).
        Some(field) if request.method == Method::Get && may_be_part(request, version) => {
            range::parse(field, version.size)
        }
        _ => Asked::Whole,
    }
}

/// Whether the client's part fits to this state of the file (RFC 9110, section 13.1.5).
fn may_be_part(request: &Request<'_>, version: Version) -> bool {
    match request.if_range {
        None => true,
        Some(tag) if tag.starts_with(b"\"") => is_tag(tag, version),
        Some(date) => date::parse(date) == Some(version.modified),
    }
}

/// Whether the client has this state of the file (RFC 9110, sections 13.1.2 and 13.1.3).
fn is_unchanged(request: &Request<'_>, version: Version) -> bool {
    match (request.if_none_match, request.if_modified_since) {
        (Some(tags), _) => tags
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .any(|tag| tag == b"*" || is_tag(tag.strip_prefix(b"W/").unwrap_or(tag), version)),
        (None, Some(date)) => date::parse(date).is_some_and(|date| version.modified <= date),
        (None, None) => false,
    }
}

/// Compares without writing the file's own tag out.
fn is_tag(tag: &[u8], version: Version) -> bool {
    let read = || {
        let inner = core::str::from_utf8(tag).ok()?.strip_prefix('"')?.strip_suffix('"')?;
        let (modified, size) = inner.split_once('-')?;
        Some((u64::from_str_radix(modified, 16).ok()?, u64::from_str_radix(size, 16).ok()?))
    };
    read() == Some((version.modified, version.size))
}
