//! The head of a request (RFC 9112, section 2.1), as far as a site without bodies needs it.

/// Header fields of one request; more are refused.
const MOST_FIELDS: usize = 64;

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// The path of the target, without a query.
    pub path: String,
    /// Whether the client wants to ask for more on the same connection (RFC 9112, section 9.3).
    pub keep_alive: bool,
}

/// A head that was read to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A request without a body.
    Whole(Request),
    /// None, or one with a body, after which nobody knows where the next one begins.
    Bad,
}

impl Request {
    /// The first head in these bytes and its length; none where it does not end yet.
    pub fn parse(bytes: &[u8]) -> Option<(Parsed, usize)> {
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut head = httparse::Request::new(&mut fields);
        match head.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => {
                Some((Self::of(&head).map_or(Parsed::Bad, Parsed::Whole), length))
            }
            Ok(httparse::Status::Partial) => None,
            Err(_) => Some((Parsed::Bad, bytes.len())),
        }
    }

    fn of(head: &httparse::Request) -> Option<Self> {
        let value = |name: &str| {
            let field = head.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
            str::from_utf8(field.value).ok()
        };
        let has_body = value("content-length").is_some_and(|length| length != "0")
            || value("transfer-encoding").is_some();
        if has_body {
            return None;
        }
        let connection = value("connection").unwrap_or_default();
        Some(Self {
            method: head.method?.to_owned(),
            path: head.path?.split('?').next()?.to_owned(),
            keep_alive: match head.version? {
                0 => connection.eq_ignore_ascii_case("keep-alive"),
                _ => !connection.eq_ignore_ascii_case("close"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Parsed {
        Request::parse(text.as_bytes()).expect("the head is whole").0
    }

    fn keep_alive(text: &str) -> bool {
        match parsed(text) {
            Parsed::Whole(request) => request.keep_alive,
            Parsed::Bad => panic!("refused: {text}"),
        }
    }

    #[test]
    fn a_head_is_taken_up_to_its_end() {
        let text = "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\nGET /";
        let request = Request { method: "GET".into(), path: "/a".into(), keep_alive: true };
        assert_eq!(Request::parse(text.as_bytes()), Some((Parsed::Whole(request), text.len() - 5)));
        assert_eq!(Request::parse(b"GET / HTTP/1.1\r\nHost: x\r\n"), None);
    }

    #[test]
    fn connections_stay_as_versions_say() {
        assert!(keep_alive("GET / HTTP/1.1\r\n\r\n"));
        assert!(!keep_alive("GET / HTTP/1.1\r\nconnection: Close\r\n\r\n"));
        assert!(!keep_alive("GET / HTTP/1.0\r\n\r\n"));
        assert!(keep_alive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    }

    #[test]
    fn what_is_no_request_or_has_a_body_is_refused() {
        assert_eq!(parsed("Good morning\r\n\r\n"), Parsed::Bad);
        assert_eq!(parsed("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b"), Parsed::Bad);
        assert_eq!(parsed("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), Parsed::Bad);
    }
}
