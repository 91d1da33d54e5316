//! Requests, read with httparse and judged here (RFC 9112, sections 2 to 3).

use httparse::{EMPTY_HEADER, Error, Header, Status::Complete};

use crate::response::Status;

/// Longest head of a request, in bytes.
pub const MAX_HEAD: usize = 8 * 1024;

/// Most fields in a head.
const MAX_FIELDS: usize = 64;

/// What is asked to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The file.
    Get,
    /// What `GET` would say of the file.
    Head,
    /// Something that a file server does not do.
    Other,
}

/// A request's head, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// What is asked to be done.
    pub method: Method,
    /// With what.
    pub target: &'a str,
    /// Whether the connection goes on after the answer.
    pub persistent: bool,
    /// `Range`.
    pub range: Option<&'a [u8]>,
    /// `If-Range`.
    pub if_range: Option<&'a [u8]>,
    /// `If-None-Match`.
    pub if_none_match: Option<&'a [u8]>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<&'a [u8]>,
}

/// What the bytes of a connection begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head<'a> {
    /// A part of a head; more is to come.
    Partial,
    /// A whole head, this many bytes long.
    Whole(Request<'a>, usize),
    /// Nothing that can be answered otherwise than with this status.
    Refused(Status),
}

/// Reads the head that `bytes` begins with.
pub fn parse(bytes: &[u8]) -> Head<'_> {
    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    let mut head = httparse::Request::new(&mut fields);
    match head.parse(bytes) {
        Ok(Complete(length)) if length <= MAX_HEAD => match judge(&head) {
            Ok(request) => Head::Whole(request, length),
            Err(status) => Head::Refused(status),
        },
        Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD => Head::Partial,
        Ok(_) | Err(Error::TooManyHeaders) => Head::Refused(Status::HeadTooLarge),
        Err(Error::Version) => Head::Refused(Status::VersionNotSupported),
        Err(_) => Head::Refused(Status::BadRequest),
    }
}

fn judge<'a>(head: &httparse::Request<'_, 'a>) -> Result<Request<'a>, Status> {
    let modern = head.version == Some(1);
    let hosts = fields(head.headers, "host").count();
    if hosts > 1 || (modern && hosts == 0) {
        return Err(Status::BadRequest);
    }
    let lengths = || fields(head.headers, "content-length");
    if lengths().any(|length| length.is_empty() || !length.iter().all(u8::is_ascii_digit)) {
        return Err(Status::BadRequest);
    }
    // No method here takes a body, and where it ends need not be known when the connection ends with the answer.
    let body =
        lengths().any(|length| length != b"0") || fields(head.headers, "transfer-encoding").next().is_some();
    let kept =
        if modern { !has_option(head.headers, "close") } else { has_option(head.headers, "keep-alive") };
    let only = |name| fields(head.headers, name).next();
    Ok(Request {
        method: match head.method {
            Some("GET") => Method::Get,
            Some("HEAD") => Method::Head,
            _ => Method::Other,
        },
        target: head.path.unwrap_or_default(),
        persistent: kept && !body,
        range: only("range"),
        if_range: only("if-range"),
        if_none_match: only("if-none-match"),
        if_modified_since: only("if-modified-since"),
    })
}

fn fields<'h, 'a>(headers: &'h [Header<'a>], name: &'h str) -> impl Iterator<Item = &'a [u8]> + use<'h, 'a> {
    headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

/// Whether `Connection` lists `option` (RFC 9110, section 7.6.1).
fn has_option(headers: &[Header<'_>], option: &str) -> bool {
    fields(headers, "connection")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .any(|word| word.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::{format, string::String, vec::Vec};

    use proptest::prelude::*;

    use super::{Head, MAX_HEAD, Method, Request, parse};
    use crate::response::Status;

    fn whole(text: &str) -> Request<'_> {
        match parse(text.as_bytes()) {
            Head::Whole(request, length) => {
                assert_eq!(length, text.len());
                request
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn a_usual_request() {
        let request = whole("GET /x HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\n\r\n");
        assert_eq!((request.method, request.target), (Method::Get, "/x"));
        assert!(request.persistent);
        assert_eq!(request.range, Some(&b"bytes=0-1"[..]));
    }

    #[test]
    fn how_long_a_connection_lasts() {
        for (head, persistent) in [
            ("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n", false),
            ("GET / HTTP/1.0\r\n\r\n", false),
            ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", false),
        ] {
            assert_eq!(whole(head).persistent, persistent, "{head:?}");
        }
    }

    #[test]
    fn refused() {
        for (head, status) in [
            ("GET / HTTP/1.1\r\n\r\n", Status::BadRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", Status::BadRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\n", Status::BadRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", Status::BadRequest),
            ("GET / HTTP/2.0\r\n\r\n", Status::VersionNotSupported),
            ("G\0T / HTTP/1.1\r\n\r\n", Status::BadRequest),
            ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", Status::BadRequest),
            ("\u{16}\u{3}\u{1}\r\n\r\n", Status::BadRequest),
        ] {
            assert_eq!(parse(head.as_bytes()), Head::Refused(status), "{head:?}");
        }
    }

    #[test]
    fn too_large() {
        let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(MAX_HEAD));
        assert_eq!(parse(long.as_bytes()), Head::Refused(Status::HeadTooLarge));
        let many: String = (0..65).map(|n| format!("F{n}: v\r\n")).collect();
        let many = format!("GET / HTTP/1.1\r\nHost: h\r\n{many}\r\n");
        assert_eq!(parse(many.as_bytes()), Head::Refused(Status::HeadTooLarge));
    }

    #[test]
    fn every_beginning_is_partial() {
        let head = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
        for length in 0..head.len() {
            assert_eq!(parse(&head[..length]), Head::Partial, "{length}");
        }
    }

    proptest! {
        #[test]
        fn survives_anything(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let head: Vec<u8> = bytes;
            let _ = parse(&head);
        }
    }
}
